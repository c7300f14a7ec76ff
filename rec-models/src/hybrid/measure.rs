//! How good each recommender is, alone and together, on what was held out.

use rec_core::data::split::Split;
use rec_core::metrics::{
    EvaluateOptions, ItemSimilarity, Metric, PairedOptions, PairedTest, Report, evaluate,
    paired_test,
};
use rec_core::rank::Recommend;
use serde::{Deserialize, Serialize};

use crate::Result;

/// The figures of one recommender.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Its figures on the test part.
    pub report: Report,
}

/// The figures of all recommenders, and of what became of them together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measures {
    /// The recommenders in order, then `fusion`, then `shown` where lists are put in another order.
    pub rows: Vec<Measured>,
    /// The fusion against the recommender that is best by `figure`.
    pub best: Option<Against>,
}

/// A paired test of the fusion against one recommender.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Against {
    /// The recommender.
    pub name: String,
    /// The test.
    pub test: PairedTest,
}

/// What is measured beside the recommenders: the fusion comes before the lists that are shown.
pub(super) const FUSION: &str = "fusion";
pub(super) const SHOWN: &str = "shown";

/// Measures on the test part, the validation part being known.
pub(super) fn measure(
    models: &[(&str, &dyn Recommend)],
    parts: &Split,
    metrics: &[String],
    similarity: Option<&dyn ItemSimilarity>,
) -> Result<Measures> {
    let options = EvaluateOptions {
        metrics: Metric::parse_all(metrics)?,
        also_seen: vec![&parts.valid],
        similarity,
        protocol: parts.report.protocol.to_string(),
        bootstrap: 200,
        ..EvaluateOptions::default()
    };
    let one = |&(name, model): &(&str, &dyn Recommend)| {
        Ok(Measured { name: name.into(), report: evaluate(model, &parts.test, &options)? })
    };
    let rows: Vec<Measured> = models.iter().map(one).collect::<Result<_>>()?;
    let best = against_best(&rows, &options.metrics)?;
    let rows =
        rows.into_iter().map(|row| Measured { report: row.report.summary(), ..row }).collect();
    Ok(Measures { rows, best })
}

fn against_best(rows: &[Measured], metrics: &[Metric]) -> Result<Option<Against>> {
    let figure = metrics.iter().find(|metric| !metric.is_global() && !metric.is_beyond_accuracy());
    let (Some(figure), Some(fusion)) = (figure, rows.iter().find(|row| row.name == FUSION)) else {
        return Ok(None);
    };
    // By NDCG where it is measured, for that is what the fusion is learned for.
    let ndcg = metrics.iter().find(|metric| matches!(metric, Metric::Ndcg(_)));
    let name = ndcg.unwrap_or(figure).to_string();
    let mean = |row: &&Measured| row.report.mean(&name).unwrap_or(0.0);
    let alone = rows.iter().filter(|row| row.name != FUSION && row.name != SHOWN);
    let Some(best) = alone.max_by(|a, b| mean(a).total_cmp(&mean(b))) else { return Ok(None) };
    let test = paired_test(&fusion.report, &best.report, &name, &PairedOptions::default())?;
    Ok(Some(Against { name: best.name.clone(), test }))
}
