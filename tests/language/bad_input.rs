//! Folders that are no checkpoints.
