//! The format of an export: a header, records, and a trailer with their count and the SHA-256 of everything before it.
//!
//! A later record for a key replaces an earlier one, so an export of a running store can end with what changed
//! meanwhile. All numbers are big endian. `export.rs` writes it, `restore.rs` reads it.

use std::fmt;
use std::io::{self, Read};

use bytes::Bytes;
use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use uuid::Uuid;

use crate::limits::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use crate::{Entry, Key, RestoreError, Revision};

const MAGIC: &[u8; 16] = b"entente export\r\n";
const FORMAT: u32 = 1;

const PUT: u8 = 1;
const DELETE: u8 = 2;
const END: u8 = 3;

/// A key, and the entry or its absence.
pub type Record = (Key, Option<Entry>);

/// Encodes an archive piece by piece.
pub struct Encoder {
    digest: Context,
    pub records: u64,
    buffer: Vec<u8>,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("records", &self.records).finish_non_exhaustive()
    }
}

impl Encoder {
    pub fn new(id: Uuid) -> Self {
        let mut buffer = MAGIC.to_vec();
        buffer.extend(FORMAT.to_be_bytes());
        buffer.extend(id.as_bytes());
        Self { digest: Context::new(&SHA256), records: 0, buffer }
    }

    pub fn record(&mut self, key: &str, entry: Option<&Entry>) {
        self.records += 1;
        self.buffer.push(if entry.is_some() { PUT } else { DELETE });
        self.buffer.extend((key.len() as u16).to_be_bytes());
        self.buffer.extend(key.as_bytes());
        if let Some(entry) = entry {
            self.buffer.extend(entry.revision.0.to_be_bytes());
            self.buffer.extend((entry.value.len() as u32).to_be_bytes());
            self.buffer.extend(&entry.value);
        }
    }

    /// The bytes encoded since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        self.digest.update(&self.buffer);
        std::mem::take(&mut self.buffer)
    }

    pub fn finish(mut self, revision: Revision) -> Vec<u8> {
        self.buffer.push(END);
        self.buffer.extend(revision.0.to_be_bytes());
        self.buffer.extend(self.records.to_be_bytes());
        let mut last = self.take();
        last.extend(self.digest.finish().as_ref());
        last
    }
}

/// Decodes an archive. Its records are valid only after [`Decoder::next`] has returned the end.
pub struct Decoder<R> {
    input: R,
    digest: Context,
    records: u64,
}

#[derive(Debug)]
pub enum Piece {
    Record(Record),
    /// The archive is complete and unaltered.
    End {
        revision: Revision,
        records: u64,
    },
}

impl<R> fmt::Debug for Decoder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("records", &self.records).finish_non_exhaustive()
    }
}

impl<R: Read> Decoder<R> {
    /// Reads the header, which has the store's id.
    pub fn new(input: R) -> Result<(Self, Uuid), RestoreError> {
        let mut decoder = Self { input, digest: Context::new(&SHA256), records: 0 };
        let magic = decoder.array::<16>().map_err(|error| match error {
            RestoreError::Cut => RestoreError::NotAnExport,
            other => other,
        })?;
        if magic != *MAGIC {
            return Err(RestoreError::NotAnExport);
        }
        let found = u32::from_be_bytes(decoder.array()?);
        if found != FORMAT {
            return Err(RestoreError::Format { found, known: FORMAT });
        }
        let id = Uuid::from_bytes(decoder.array()?);
        Ok((decoder, id))
    }

    pub fn read(&mut self) -> Result<Piece, RestoreError> {
        let [tag] = self.array()?;
        match tag {
            PUT | DELETE => self.record(tag == PUT).map(Piece::Record),
            END => self.end(),
            _ => Err(RestoreError::Altered { what: "an unknown record" }),
        }
    }

    fn record(&mut self, put: bool) -> Result<Record, RestoreError> {
        self.records += 1;
        let len = usize::from(u16::from_be_bytes(self.array()?));
        let key = String::from_utf8(self.vec(len, MAX_KEY_BYTES)?)
            .map_err(|_| RestoreError::Altered { what: "a key that is not text" })?;
        if !put {
            return Ok((key.into(), None));
        }
        let revision = Revision(u64::from_be_bytes(self.array()?));
        let len = u32::from_be_bytes(self.array()?) as usize;
        let value = Bytes::from(self.vec(len, MAX_VALUE_BYTES)?);
        Ok((key.into(), Some(Entry { value, revision })))
    }

    fn end(&mut self) -> Result<Piece, RestoreError> {
        let revision = Revision(u64::from_be_bytes(self.array()?));
        let records = u64::from_be_bytes(self.array()?);
        let expected = self.digest.clone().finish();
        if self.array::<SHA256_OUTPUT_LEN>()? != expected.as_ref() {
            return Err(RestoreError::Altered { what: "its hash differs" });
        }
        if records != self.records {
            return Err(RestoreError::Altered { what: "its count differs" });
        }
        if self.input.read(&mut [0]).map_err(RestoreError::Read)? != 0 {
            return Err(RestoreError::Altered { what: "something follows its end" });
        }
        Ok(Piece::End { revision, records })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RestoreError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Checks the length before anything of that size is allocated.
    fn vec(&mut self, len: usize, max: usize) -> Result<Vec<u8>, RestoreError> {
        if len > max {
            return Err(RestoreError::Altered { what: "a length over its bound" });
        }
        let mut bytes = vec![0; len];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RestoreError> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => RestoreError::Cut,
            _ => RestoreError::Read(error),
        })?;
        self.digest.update(bytes);
        Ok(())
    }
}
