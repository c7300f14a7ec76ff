//! Files in and out: events, items and friends in the formats people have them in. A file's format
//! is found out from its contents, not its name.

#[cfg(feature = "parquet")]
mod arrow;
#[cfg(feature = "parquet")]
mod arrow_table;
#[cfg(feature = "parquet")]
mod arrow_write;
mod atomic;
mod columns;
mod csv;
mod events;
mod folder;
mod item_columns;
mod items;
mod jsonl;
mod load;
mod options;
mod report;
mod sink;
mod sniff;
mod social;
pub(crate) mod source;
mod table;
mod tags;
mod text_columns;
mod values;
mod write;

#[cfg(feature = "parquet")]
pub use self::arrow::interactions_from_batches;
pub use atomic::write_atomic;
pub use folder::{Events, FixedSplit, Loaded, Log, read_path, read_split};
pub use items::{ItemOptions, read_items};
pub use load::read_interactions;
pub use options::{Column, EventWeights, Format, ReadOptions, Separator, Unlisted};
pub use report::{ReadReport, Reason, Refusal};
pub use social::{SocialOptions, read_social};
pub use text_columns::{read_text_columns, write_text_columns};
pub use write::{write_interactions, write_items, write_recommendations};
