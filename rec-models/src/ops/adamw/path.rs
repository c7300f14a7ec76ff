//! A parameter's path in its module.

/// The names of the modules entered, outermost first.
#[derive(Debug, Default)]
pub(super) struct Path(Vec<String>);

impl Path {
    pub(super) fn enter(&mut self, name: &str) {
        self.0.push(name.to_string());
    }

    pub(super) fn exit(&mut self) {
        self.0.pop();
    }

    /// `layers.0.attention.query.weight`
    pub(super) fn joined(&self) -> String {
        self.0.join(".")
    }
}
