//! The planner on readable text: worlds of three lines, transcripts beside them, and properties of random ones.

mod deleted;
mod escapes;
mod consent;
mod definitions;
mod difference;
mod faults;
mod guardrail;
mod leaver;
mod leavers;
mod limits;
mod marks;
mod people;
mod properties;
mod receipts;
mod reviews;
mod scaffold;
mod tenant;
mod verify;
mod world;
