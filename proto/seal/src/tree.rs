//! One hash over many tenants' leaves, and for each tenant the path that proves its leaf without showing the others.
//!
//! Pairs are combined level by level. A last one without a partner moves up unchanged (RFC 6962, section 2.1).

use entente_model::desired::Digest;

use crate::hash;

/// All hashes of one batch.
#[derive(Debug, Clone)]
pub struct Tree {
    /// From the leaves up. The last level is only the root.
    levels: Vec<Vec<Digest>>,
}

/// Proves that a leaf is in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The index of the leaf.
    pub index: u32,
    /// The number of leaves.
    pub size: u32,
    /// From the leaf up. A level on which the leaf has no partner has no entry.
    pub siblings: Vec<Digest>,
}

impl Tree {
    /// Over the encoded headers or leases of a batch, in its order.
    pub fn of<B: AsRef<[u8]>>(leaves: impl IntoIterator<Item = B>) -> Self {
        let mut levels = vec![leaves.into_iter().map(|leaf| hash::of_leaf(leaf.as_ref())).collect::<Vec<_>>()];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let join = |pair: &[Digest]| if pair.len() == 2 { hash::of_inner(pair) } else { pair[0] };
            let above = level.chunks(2).map(join).collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// Zero if there is no leaf.
    pub fn root(&self) -> Digest {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or_default()
    }

    /// The number of leaves.
    pub fn size(&self) -> u32 {
        u32::try_from(self.levels[0].len()).expect("tenants are bounded")
    }

    /// The path of one leaf. For an index beyond the last leaf, the path does not verify.
    pub fn path(&self, index: u32) -> Path {
        let sibling = |(height, level): (usize, &Vec<Digest>)| level.get((index as usize >> height) ^ 1).copied();
        let siblings = self.levels.iter().enumerate().filter_map(sibling).collect();
        Path { index, size: self.size(), siblings }
    }
}

impl Path {
    /// The root of the tree with this leaf at this place. `None` if the path does not fit the tree's size.
    pub fn root_of(&self, leaf: &[u8]) -> Option<Digest> {
        if self.index >= self.size {
            return None;
        }
        let (mut index, mut width) = (self.index, self.size);
        let mut hash = hash::of_leaf(leaf);
        let mut siblings = self.siblings.iter();
        while width > 1 {
            let partner = index ^ 1;
            if partner < width {
                let sibling = siblings.next()?;
                hash = hash::of_inner(if index & 1 == 0 { [&hash, sibling] } else { [sibling, &hash] });
            }
            (index, width) = (index >> 1, width.div_ceil(2));
        }
        siblings.next().is_none().then_some(hash)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaves(size: u32) -> Vec<Vec<u8>> {
        (0..size).map(|at| at.to_be_bytes().to_vec()).collect()
    }

    #[test]
    fn every_leaf_of_every_size_has_its_path() {
        for size in 1..70 {
            let (leaves, tree) = (leaves(size), Tree::of(leaves(size)));
            for (at, leaf) in leaves.iter().enumerate() {
                let path = tree.path(u32::try_from(at).unwrap());
                assert_eq!(path.root_of(leaf), Some(tree.root()), "{at} of {size}");
            }
            assert_eq!(tree.path(size).root_of(&leaves[0]), None);
        }
    }

    proptest! {
        #[test]
        fn no_other_leaf_place_or_path_verifies(size in 1..70_u32, at in any::<u32>(), flip in any::<(u16, u8)>()) {
            let (leaves, tree) = (leaves(size), Tree::of(leaves(size)));
            let index = at % size;
            let (leaf, path) = (&leaves[index as usize], tree.path(index));
            let refused = |path: &Path, leaf: &[u8]| path.root_of(leaf) != Some(tree.root());
            let mut other = leaf.clone();
            other[usize::from(flip.0) % 4] ^= 1 << (flip.1 % 8);
            prop_assert!(refused(&path, &other));
            for index in (0..size).filter(|other| *other != index) {
                let moved = Path { index, ..path.clone() };
                prop_assert!(refused(&moved, leaf));
            }
            let mut longer = path.clone();
            longer.siblings.push(Digest::default());
            prop_assert!(refused(&longer, leaf));
            if !path.siblings.is_empty() {
                let mut bent = path.clone();
                let which = usize::from(flip.0) % path.siblings.len();
                bent.siblings[which].0[usize::from(flip.1) % 32] ^= 1;
                prop_assert!(refused(&bent, leaf));
                let mut shorter = path;
                shorter.siblings.pop();
                prop_assert!(refused(&shorter, leaf));
            }
        }
    }
}
