//! Text on its way to tokens: cleaning ([`clean`]), segmentation ([`segment`]), stop words
//! ([`stopwords`]), chains of them ([`pipeline`]) and files larger than memory ([`stream`]).

pub mod clean;
pub mod pipeline;
pub mod segment;
pub mod stopwords;
pub mod stream;

pub use clean::{Cleaner, Filter, clean};
pub use pipeline::{Pipeline, Step, TokenFilter, Tokens};
pub use segment::{Segment, Segmenter};
pub use stopwords::StopWords;
