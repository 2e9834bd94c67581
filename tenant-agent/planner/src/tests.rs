//! The planner on readable text: worlds of three lines, transcripts beside them, and properties of random ones.

mod aside;
mod because;
mod carried;
mod consent;
mod definitions;
mod deleted;
mod desired;
mod difference;
mod escapes;
mod faults;
mod file;
mod guardrail;
mod leaver;
mod leavers;
mod limits;
mod marks;
mod not_allowed;
mod people;
mod properties;
mod receipts;
mod reviews;
mod scaffold;
mod tenant;
mod verify;
mod versions;
mod world;
