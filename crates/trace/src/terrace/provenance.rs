//! Where a trace came from.

/// Texts with a name each, in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Provenance(Vec<(String, String)>);

impl Provenance {
    /// What the trace was made from: a path.
    pub const SOURCE: &str = "source";
    /// The format of that.
    pub const SOURCE_FORMAT: &str = "source-format";
    /// The SHA-256 of that, in hexadecimal.
    pub const SOURCE_SHA256: &str = "source-sha256";
    /// The program that wrote the trace, and its version.
    pub const TOOL: &str = "tool";
    /// How that was called.
    pub const COMMAND: &str = "command";

    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text.
    pub fn with(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.0.push((name.into(), text.into()));
        self
    }

    /// The first text of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, text)| text)
    }

    /// All names and texts.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (&**name, &**text))
    }
}
