//! The recommenders, and how much each counts.

use std::error::Error;
use std::sync::Arc;

use rec_core::data::{Dataset, split};
use rec_core::rank::{Fused, Fusion, FusionLearner, Recommend};
use rec_models::collab::{Als, CoTransition, ItemKnn, Popular, Similarity};
use rec_models::content::{Content, ContentModel};
use rec_models::fit::{Estimator, Fit, FitContext};

use crate::Args;

const NAMES: [&str; 5] = ["popular", "item_knn", "co_transition", "als", "content"];

/// One estimator for each of [`NAMES`], but for the content's.
fn estimators() -> [Box<dyn Estimator>; 4] {
    [
        Box::new(Popular::default()),
        Box::new(ItemKnn { similarity: Similarity::TfIdf, ..ItemKnn::default() }),
        Box::new(CoTransition::default()),
        Box::new(Als { factors: 32, ..Als::default() }),
    ]
}

/// The trained models in the order of [`NAMES`], and the last of them, which gives the reasons.
struct Trained {
    models: Vec<Arc<dyn Recommend>>,
    content: Arc<ContentModel>,
}

fn train(data: &Dataset, args: &Args) -> Result<Trained, Box<dyn Error>> {
    let mut ctx = FitContext { seed: args.seed, ..FitContext::default() };
    let mut models: Vec<Arc<dyn Recommend>> = Vec::with_capacity(NAMES.len());
    for estimator in estimators() {
        let model: Arc<dyn rec_models::Model> = Arc::from(estimator.fit_model(data, &mut ctx)?);
        models.push(model);
    }
    let content = Arc::new(Content::default().fit(data, &mut ctx)?);
    models.push(content.clone());
    Ok(Trained { models, content })
}

/// Learns the weights on each user's last event; the models know what came before alone.
pub(crate) fn learn(data: &Dataset, args: &Args) -> Result<Fusion, Box<dyn Error>> {
    let parts = split::leave_last_out(&data.interactions, 1, false)?;
    let Trained { models, .. } = train(&data.with_interactions(parts.train), args)?;
    let learner =
        FusionLearner { k: args.k, levels: vec![0, 10, 30], seed: args.seed, ..Default::default() };
    let found = learner.learn(&models, &parts.test)?;
    println!("\nNDCG@{} on each user's last event:", args.k);
    for (name, alone) in NAMES.iter().zip(&found.alone) {
        println!("  {name:<14} {alone:.4}");
    }
    println!("  {:<14} {:.4}", "by ranks", found.reciprocal_rank);
    println!(
        "  {:<14} {:.4}  (weights learned on the other half of the users)",
        "fused", found.learnt
    );
    match &found.fusion {
        Fusion::ByActivity { levels, .. } => {
            for level in levels {
                let weights: Vec<String> =
                    NAMES.iter().zip(&level.weights).map(|(n, w)| format!("{n} {w:.2}")).collect();
                println!("  from {} items: {}", level.min_items, weights.join(", "));
            }
        }
        _ => println!("  Learned weights did no better: ranks are fused."),
    }
    Ok(found.fusion)
}

/// Trains on everything, and fuses.
pub(crate) fn fit(
    data: &Dataset,
    args: &Args,
    fusion: Fusion,
) -> Result<(Fused, Arc<ContentModel>), Box<dyn Error>> {
    let Trained { models, content } = train(data, args)?;
    Ok((Fused::new(models, fusion)?, content))
}
