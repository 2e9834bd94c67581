//! Removals that are named, until nothing of them is left to watch: proofs become receipts, what comes back opens them
//! again, and long after the last proof they end.
//!
//! A reconciler: it looks at open removals and at what agents report, and writes what is missing; all of it is in the
//! audit log. Receipts are kept for good, because they are what the customer was promised. [`proof`] says whether a report
//! proves a removal, [`standing`] how a removal stands that is not proven, [`unexpected`] names people who have left and
//! whom an agent still reports, [`list`] lists them. Compiling what then changes is [`crate::history`]'s.

mod handles;
mod list;
mod parts;
mod proof;
mod receipt;
mod settle;
mod speaker;
mod standing;
mod unexpected;

pub(crate) use handles::Removals;
pub use list::Removal;
pub use receipt::SignedStatement;
pub(crate) use receipt::{Receipt, Receipts};
#[cfg(test)]
pub(crate) use settle::Method;
