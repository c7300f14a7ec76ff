//! One thread pool, of the size the caller asks for.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Error, Result};

static POOLS: LazyLock<Mutex<BTreeMap<usize, Arc<ThreadPool>>>> = LazyLock::new(Mutex::default);

/// Runs `work` with `threads` threads for everything parallel inside it; `None` means the pool
/// already in use (all cores unless the caller arranged otherwise). Pools are kept and shared.
///
/// # Errors
/// [`Error::Parameter`] for 0 threads or more than the system grants, and whatever `work` returns.
pub fn install<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let Some(n) = threads else { return work() };
    if n == 0 {
        return Err(Error::parameter("num_threads", 0, "at least 1 thread is needed"));
    }
    pool(n)?.install(work)
}

fn pool(n: usize) -> Result<Arc<ThreadPool>> {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&n) {
        return Ok(pool.clone());
    }
    let built = ThreadPoolBuilder::new()
        .num_threads(n)
        .thread_name(|i| format!("rec-{i}"))
        .build()
        .map_err(|e| Error::parameter("num_threads", n, e.to_string()))?;
    let built = Arc::new(built);
    pools.insert(n, built.clone());
    Ok(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_has_the_size_asked_for() {
        assert_eq!(install(Some(3), || Ok(rayon::current_num_threads())).unwrap(), 3);
        assert!(install(Some(0), || Ok(())).is_err());
    }
}
