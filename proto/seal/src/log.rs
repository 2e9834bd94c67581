//! A log of roots: an RFC 6962 tree that only grows, so other programs can prove its content.
//!
//! [`Log`] is the writer's state: enough to append and to compute the hash of the whole. The proofs are for an auditor,
//! who has the hash of every leaf. [`crate::root_digest`] makes the leaves.

use entente_model::desired::Digest;

use crate::hash;

/// The state of a log: its size, and the hashes of the complete subtrees at its right edge (a compact range).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    size: u64,
    /// One for each bit set in `size`, the largest subtree first.
    edge: Vec<Digest>,
}

impl Log {
    /// Restores a stored log. `None` if size and edge do not fit.
    pub fn kept(size: u64, edge: Vec<Digest>) -> Option<Self> {
        (edge.len() == size.count_ones() as usize).then_some(Self { size, edge })
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Hashes of the complete subtrees at the right edge, the largest first.
    pub fn edge(&self) -> &[Digest] {
        &self.edge
    }

    /// Adds the hash of a leaf.
    pub fn append(&mut self, leaf: Digest) {
        let mut joined = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.edge.pop().expect("a subtree for each bit of the size");
            joined = hash::of_inner([&left, &joined]);
        }
        self.edge.push(joined);
        self.size += 1;
    }

    /// The hash over all leaves (RFC 6962, section 2.1). For an empty log, the hash of nothing.
    pub fn hash(&self) -> Digest {
        let mut edge = self.edge.iter().rev().copied();
        let Some(last) = edge.next() else { return hash::of_bytes(&[]) };
        edge.fold(last, |right, left| hash::of_inner([&left, &right]))
    }
}

impl Extend<Digest> for Log {
    fn extend<T: IntoIterator<Item = Digest>>(&mut self, leaves: T) {
        leaves.into_iter().for_each(|leaf| self.append(leaf));
    }
}

/// Proof that a leaf is in the log of these leaves (RFC 6962, section 2.1.1): hashes from the leaf up. `None` if there
/// is no such leaf.
pub fn inclusion_proof(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    let mut proof = Vec::new();
    (index < leaves.len()).then(|| include(leaves, index, &mut proof))?;
    Some(proof)
}

/// Proof that the log of these leaves continues the log of its first `size` (RFC 6962, section 2.1.2). `None` if it has
/// fewer, or if `size` is 0, because any log continues an empty one.
pub fn consistency_proof(leaves: &[Digest], size: usize) -> Option<Vec<Digest>> {
    let mut proof = Vec::new();
    (1..=leaves.len()).contains(&size).then(|| go_on(leaves, size, true, &mut proof))?;
    Some(proof)
}

/// Splits leaves as RFC 6962 does: the left part has the largest power of two below their number.
fn parted(leaves: &[Digest]) -> (&[Digest], &[Digest]) {
    leaves.split_at(leaves.len().next_power_of_two() / 2)
}

fn subtree(leaves: &[Digest]) -> Digest {
    let mut log = Log::default();
    log.extend(leaves.iter().copied());
    log.hash()
}

fn include(leaves: &[Digest], index: usize, proof: &mut Vec<Digest>) {
    if leaves.len() == 1 {
        return;
    }
    let (left, right) = parted(leaves);
    let sibling = if index < left.len() {
        include(left, index, proof);
        right
    } else {
        include(right, index - left.len(), proof);
        left
    };
    proof.push(subtree(sibling));
}

/// `SUBPROOF` of the RFC. `known` while the older tree is the one whose hash the reader has.
fn go_on(leaves: &[Digest], size: usize, known: bool, proof: &mut Vec<Digest>) {
    if size == leaves.len() {
        if !known {
            proof.push(subtree(leaves));
        }
        return;
    }
    let (left, right) = parted(leaves);
    let sibling = if size <= left.len() {
        go_on(left, size, known, proof);
        right
    } else {
        go_on(right, size - left.len(), false, proof);
        left
    };
    proof.push(subtree(sibling));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tlog_tiles::{Hash, check_record, check_tree, record_hash};

    use super::*;

    fn entries(size: usize) -> Vec<[u8; 8]> {
        (0..size).map(|at| at.to_be_bytes()).collect()
    }

    fn leaves(size: usize) -> Vec<Digest> {
        entries(size).iter().map(|entry| hash::of_leaf(entry)).collect()
    }

    fn theirs(hashes: Vec<Digest>) -> Vec<Hash> {
        hashes.into_iter().map(|it| Hash(it.0)).collect()
    }

    fn hash_of(leaves: &[Digest]) -> Hash {
        Hash(subtree(leaves).0)
    }

    #[test]
    fn the_hashes_of_the_rfcs_own_samples_come_out() {
        let hex = |log: &Log| log.hash().to_string();
        let mut log = Log::default();
        assert_eq!(hex(&log), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        log.append(hash::of_leaf(&[]));
        assert_eq!(hex(&log), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        log.append(hash::of_leaf(&[0]));
        assert_eq!(hex(&log), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        log.extend([&[0x10][..], &[0x20, 0x21]].map(hash::of_leaf));
        assert_eq!(hex(&log), "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
    }

    #[test]
    fn what_was_kept_goes_on_as_if_it_had_never_rested() {
        let mut log = Log::default();
        for (size, leaf) in leaves(70).into_iter().enumerate() {
            log = Log::kept(size as u64, log.edge().to_vec()).unwrap();
            log.append(leaf);
            assert_eq!(Hash(log.hash().0), hash_of(&leaves(size + 1)));
        }
        assert_eq!(Log::kept(3, leaves(1)), None);
    }

    #[test]
    fn there_is_no_proof_of_what_is_not_there() {
        assert_eq!(inclusion_proof(&leaves(3), 3), None);
        assert_eq!(inclusion_proof(&[], 0), None);
        assert_eq!(consistency_proof(&leaves(3), 0), None);
        assert_eq!(consistency_proof(&leaves(3), 4), None);
        assert_eq!(consistency_proof(&leaves(3), 3), Some(vec![]));
    }

    proptest! {
        #[test]
        fn others_believe_our_proofs_and_no_bent_ones(
            size in 1..130_usize, at in any::<usize>(), flip in any::<(usize, usize)>(),
        ) {
            let (all, index) = (leaves(size), at % size);
            let (n, top) = (size as u64, hash_of(&all));
            let leaf = record_hash(&entries(size)[index]);
            let proof = theirs(inclusion_proof(&all, index).unwrap());
            prop_assert!(check_record(&proof, n, top, index as u64, leaf).is_ok());
            let bend = |proof: &[Hash]| {
                let mut bent = proof.to_vec();
                bent[flip.0 % proof.len()].0[flip.1 % 32] ^= 1;
                bent
            };
            if !proof.is_empty() {
                prop_assert!(check_record(&bend(&proof), n, top, index as u64, leaf).is_err());
            }
            prop_assert!(check_record(&proof, n, top, index as u64, record_hash(b"other")).is_err());

            let (older, then) = (index + 1, hash_of(&all[..=index]));
            let proof = theirs(consistency_proof(&all, older).unwrap());
            prop_assert!(check_tree(&proof, n, top, older as u64, then).is_ok());
            if !proof.is_empty() {
                prop_assert!(check_tree(&bend(&proof), n, top, older as u64, then).is_err());
                prop_assert!(check_tree(&proof, n, top, older as u64, record_hash(b"other")).is_err());
            }
        }
    }
}
