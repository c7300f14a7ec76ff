//! A parameter's path in its module.

/// The names of the modules entered, outermost first.
#[derive(Debug, Default)]
pub(crate) struct Path(Vec<String>);

impl Path {
    pub(crate) fn enter(&mut self, name: &str) {
        self.0.push(name.to_string());
    }

    pub(crate) fn exit(&mut self) {
        self.0.pop();
    }

    /// `layers.0.attention.query.weight`
    pub(crate) fn joined(&self) -> String {
        self.0.join(".")
    }
}
