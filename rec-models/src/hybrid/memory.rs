//! How much memory the process has held, where the system tells.

use std::fs;

/// Starts counting the peak anew, where the system can.
pub(super) fn reset_peak() {
    // Linux: 5 resets the high-water mark (proc_pid_clear_refs(5)).
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The most bytes resident since the last reset.
pub(super) fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_peak_rises_with_what_is_held() {
        reset_peak();
        let before = peak().unwrap();
        let held = std::hint::black_box(vec![1u8; 64 << 20]);
        let after = peak().unwrap();
        assert!(after > before && after > held.len() as u64, "{before} {after}");
    }
}
