//! Turns an entry into rows of at most [`MAX_ROW_BYTES`], and back.
//!
//! The first row, `e` and the key, has revision, length, checksum and the beginning of the value. The rest is in
//! chunks: `c`, the key's length, the key and the chunk's number. Chunks are separate, so a scan does not walk over
//! them. The checksum covers key, revision and value, so rows of different writes never form one value.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use entente_store::{Cause, Entry, Key, MAX_KEY_BYTES, MAX_VALUE_BYTES, ReadError, Revision};

use crate::limits::MAX_ROW_BYTES;

/// Revision (8 bytes), length (4), checksum (4), all big endian.
const HEADER_BYTES: usize = 16;
const HEAD_BYTES: usize = MAX_ROW_BYTES - HEADER_BYTES;

/// The first byte of all first rows, and the byte after it: the bounds of a scan.
pub(crate) const HEADS: u8 = b'e';
pub(crate) const AFTER_HEADS: u8 = b'e' + 1;
const CHUNKS: u8 = b'c';

const _: () = assert!(MAX_KEY_BYTES <= u16::MAX as usize && MAX_VALUE_BYTES <= u32::MAX as usize);

/// Puts the rows of `entry` into `batch`, and removes rows of the previous value (of `old_len` bytes, if there was one)
/// that are no longer needed. Without an entry, removes them all.
pub(crate) fn write(batch: &mut sled::Batch, key: &str, entry: Option<&Entry>, old_len: Option<usize>) {
    match entry {
        Some(entry) => put(batch, key, entry),
        None => batch.remove(head_key(key)),
    }
    let kept = entry.map_or(0, |entry| chunk_count(entry.value.len()));
    for index in kept..old_len.map_or(0, chunk_count) {
        batch.remove(chunk_key(key, index));
    }
}

fn put(batch: &mut sled::Batch, key: &str, entry: &Entry) {
    let value = &entry.value;
    let (first, rest) = value.split_at(value.len().min(HEAD_BYTES));
    let mut head = Vec::with_capacity(HEADER_BYTES + first.len());
    head.extend(entry.revision.0.to_be_bytes());
    head.extend((value.len() as u32).to_be_bytes());
    head.extend(checksum(key, entry.revision, value).to_be_bytes());
    head.extend(first);
    batch.insert(head_key(key), head);
    for (index, chunk) in rest.chunks(MAX_ROW_BYTES).enumerate() {
        batch.insert(chunk_key(key, index), chunk);
    }
}

/// The entry with the first row `head`, after its checksum was verified.
pub(crate) fn read(rows: &sled::Tree, key: &str, head: &[u8]) -> Result<Entry, ReadError> {
    let corrupt = || ReadError::Corrupt { key: Key::from(key) };
    let (header, first) = head.split_first_chunk::<HEADER_BYTES>().ok_or_else(corrupt)?;
    let header = u128::from_be_bytes(*header);
    let revision = Revision((header >> 64) as u64);
    let (len, expected) = ((header >> 32) as u32 as usize, header as u32);
    let value = match chunk_count(len) {
        0 => Bytes::copy_from_slice(first),
        _ if len > MAX_VALUE_BYTES => return Err(corrupt()),
        chunks => gather(rows, key, first, len, chunks)?.ok_or_else(corrupt)?,
    };
    if value.len() != len || checksum(key, revision, &value) != expected {
        return Err(corrupt());
    }
    Ok(Entry { value, revision })
}

fn gather(rows: &sled::Tree, key: &str, first: &[u8], len: usize, chunks: usize) -> Result<Option<Bytes>, ReadError> {
    let mut value = BytesMut::with_capacity(len);
    value.extend_from_slice(first);
    for index in 0..chunks {
        match rows.get(chunk_key(key, index)).map_err(storage)? {
            Some(chunk) => value.extend_from_slice(&chunk),
            None => return Ok(None),
        }
    }
    Ok(Some(value.freeze()))
}

pub(crate) fn storage(error: sled::Error) -> ReadError {
    ReadError::Storage { source: Arc::new(error) as Cause }
}

pub(crate) fn head_key(key: &str) -> Vec<u8> {
    let mut row = Vec::with_capacity(1 + key.len());
    row.push(HEADS);
    row.extend(key.as_bytes());
    row
}

fn chunk_key(key: &str, index: usize) -> Vec<u8> {
    let mut row = Vec::with_capacity(1 + 2 + key.len() + 4);
    row.push(CHUNKS);
    row.extend((key.len() as u16).to_be_bytes());
    row.extend(key.as_bytes());
    row.extend((index as u32).to_be_bytes());
    row
}

/// The number of rows for a value of `len` bytes, without the first.
fn chunk_count(len: usize) -> usize {
    len.saturating_sub(HEAD_BYTES).div_ceil(MAX_ROW_BYTES)
}

fn checksum(key: &str, revision: Revision, value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(key.len() as u64).to_be_bytes());
    hasher.update(key.as_bytes());
    hasher.update(&revision.0.to_be_bytes());
    hasher.update(value);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &tempfile::TempDir) -> sled::Db {
        sled::open(dir.path()).unwrap()
    }

    fn entry(len: usize) -> Entry {
        let value: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        Entry { value: value.into(), revision: Revision(7) }
    }

    fn store(rows: &sled::Tree, key: &str, entry: Option<&Entry>, old_len: Option<usize>) {
        let mut batch = sled::Batch::default();
        write(&mut batch, key, entry, old_len);
        rows.apply_batch(batch).unwrap();
    }

    fn load(rows: &sled::Tree, key: &str) -> Result<Entry, ReadError> {
        read(rows, key, &rows.get(head_key(key)).unwrap().unwrap())
    }

    #[test]
    fn values_around_every_row_boundary_come_back_and_no_row_is_too_large() {
        let dir = tempfile::tempdir().unwrap();
        let rows = open(&dir);
        let mut old_len = None;
        for len in [0, 1, HEAD_BYTES - 1, HEAD_BYTES, HEAD_BYTES + 1, 2 * MAX_ROW_BYTES, 3, 40_000] {
            store(&rows, "k", Some(&entry(len)), old_len);
            old_len = Some(len);
            assert_eq!(load(&rows, "k").unwrap(), entry(len));
            assert_eq!(rows.len(), 1 + chunk_count(len), "rows of a value of {len} bytes");
            assert!(rows.iter().values().all(|row| row.unwrap().len() <= MAX_ROW_BYTES));
        }
        store(&rows, "k", None, old_len);
        assert!(rows.is_empty());
    }

    #[test]
    fn any_flipped_bit_and_any_lost_row_is_an_error_that_names_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let rows = open(&dir);
        store(&rows, "k", Some(&entry(9_000)), None);
        let written: Vec<_> = rows.iter().map(|row| row.unwrap()).collect();
        for (row, content) in &written {
            for at in (0..content.len()).step_by(97).chain(0..HEADER_BYTES.min(content.len())) {
                let mut bad = content.to_vec();
                bad[at] ^= 1;
                rows.insert(row, bad).unwrap();
                let error = load(&rows, "k").unwrap_err();
                assert!(matches!(error, ReadError::Corrupt { key } if &*key == "k"));
            }
            rows.insert(row, content).unwrap();
        }
        rows.remove(chunk_key("k", 1)).unwrap();
        assert!(matches!(load(&rows, "k"), Err(ReadError::Corrupt { .. })));
    }

    #[test]
    fn chunks_of_keys_that_begin_alike_stay_apart() {
        assert_ne!(chunk_key("a", 0x6200_0000), chunk_key("ab", 0)[..].to_vec());
        assert_ne!(chunk_key("a", 0x6200_0001)[..7], chunk_key("ab", 1)[..7]);
    }
}
