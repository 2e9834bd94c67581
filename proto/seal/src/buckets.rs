//! All items of one tenant, and one digest over them that is cheap to update.
//!
//! A leaf is the hash of an item. The first byte of the hash of its key selects one of 256 buckets. The hash of a
//! bucket is over its leaves in order of key, 16 buckets make a group, and the 16 groups make the digest. Empty ones
//! are zero. All hashes are kept, so a change costs its bucket, its group and the top: 1 KiB of hashing, where 256
//! bucket hashes at once would be 8 KiB. A clone shares everything; a changed clone shares all that did not change.

use std::sync::Arc;

use entente_model::desired::Digest;

use crate::hash;
use crate::item::{SealedItem, bucket_of};

/// The items of one tenant.
#[derive(Clone, PartialEq, Eq)]
pub struct Buckets(Arc<Node<Group>>);

type Group = Node<Bucket>;

/// Sixteen children, and the hash of their hashes.
#[derive(Clone, PartialEq, Eq)]
struct Node<T> {
    digest: Digest,
    /// The number of items below.
    count: u32,
    /// Never an empty child, because that would be a second form of the same content.
    children: [Option<Arc<T>>; 16],
}

#[derive(Clone, Default, PartialEq, Eq)]
struct Bucket {
    digest: Digest,
    /// In order of key.
    items: Vec<SealedItem>,
}

/// What turns one state of a tenant into another. Both lists are in order of key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// New or different items.
    pub upserts: Vec<SealedItem>,
    /// Keys of removed items.
    pub removed: Vec<Box<str>>,
}

impl Delta {
    pub fn is_empty(&self) -> bool {
        self.upserts.is_empty() && self.removed.is_empty()
    }
}

/// A child of a [`Node`].
trait Hashed {
    fn digest(&self) -> Digest;
    fn count(&self) -> u32;
}

impl Hashed for Bucket {
    fn digest(&self) -> Digest {
        self.digest
    }

    fn count(&self) -> u32 {
        u32::try_from(self.items.len()).expect("items are bounded")
    }
}

impl<T: Hashed> Hashed for Node<T> {
    fn digest(&self) -> Digest {
        self.digest
    }

    fn count(&self) -> u32 {
        self.count
    }
}

impl<T: Hashed> Node<T> {
    fn empty() -> Self {
        Self { digest: Digest::default(), count: 0, children: [const { None }; 16] }
    }

    fn rehash(&mut self) {
        self.count = self.children.iter().flatten().map(|child| child.count()).sum();
        let digests = self.children.each_ref().map(|child| child.as_ref().map(|it| it.digest()).unwrap_or_default());
        self.digest = if self.count == 0 { Digest::default() } else { hash::of_inner(&digests) };
    }
}

impl<T: Hashed + Clone> Node<T> {
    /// Changes one child. Copies it first if it is shared, and drops it if the result is empty.
    fn change(&mut self, at: u8, empty: impl FnOnce() -> T, change: impl FnOnce(&mut T)) {
        let slot = &mut self.children[usize::from(at)];
        let child = Arc::make_mut(slot.get_or_insert_with(|| Arc::new(empty())));
        change(child);
        if child.count() == 0 {
            *slot = None;
        }
    }
}

/// The change of one key.
enum Step<'a> {
    Put(SealedItem),
    Remove(&'a str),
}

impl Step<'_> {
    fn key(&self) -> &str {
        match self {
            Self::Put(item) => item.key(),
            Self::Remove(key) => key,
        }
    }

    fn bucket(&self) -> u8 {
        match self {
            Self::Put(item) => item.bucket(),
            Self::Remove(key) => bucket_of(key),
        }
    }
}

impl Bucket {
    fn take(&mut self, step: Step<'_>) {
        let place = self.items.binary_search_by(|item| item.key().cmp(step.key()));
        match (place, step) {
            (Ok(at), Step::Put(item)) => self.items[at] = item,
            (Err(at), Step::Put(item)) => self.items.insert(at, item),
            (Ok(at), Step::Remove(_)) => drop(self.items.remove(at)),
            (Err(_), Step::Remove(_)) => {}
        }
    }

    fn rehash(&mut self) {
        self.digest = hash::of_inner(self.items.iter().map(SealedItem::leaf_ref));
    }
}

impl Buckets {
    /// If a key occurs twice, the last item counts.
    pub fn from_items(items: impl IntoIterator<Item = SealedItem>) -> Self {
        Self::default().with(items.into_iter().map(Step::Put))
    }

    /// The state after a change. Its digest is that of [`Self::from_items`] over the result.
    pub fn apply(&self, delta: &Delta) -> Self {
        let puts = delta.upserts.iter().cloned().map(Step::Put);
        self.with(puts.chain(delta.removed.iter().map(|key| Step::Remove(key))))
    }

    fn with<'a>(&self, steps: impl Iterator<Item = Step<'a>>) -> Self {
        // By group and bucket, so each is hashed once however much of it changes. Within one, in the given order.
        let mut steps: Vec<(u8, Step<'a>)> = steps.map(|step| (step.bucket(), step)).collect();
        steps.sort_by_key(|(bucket, _)| *bucket);
        let mut top = self.clone();
        let node = Arc::make_mut(&mut top.0);
        let mut steps = steps.into_iter().peekable();
        while let Some(&(first, _)) = steps.peek() {
            node.change(first >> 4, Node::empty, |group| {
                while let Some(&(bucket, _)) = steps.peek().filter(|(bucket, _)| bucket >> 4 == first >> 4) {
                    group.change(bucket & 0x0f, Bucket::default, |content| {
                        while let Some((_, step)) = steps.next_if(|(other, _)| *other == bucket) {
                            content.take(step);
                        }
                        content.rehash();
                    });
                }
                group.rehash();
            });
        }
        node.rehash();
        top
    }

    /// The digest over all items. Zero if there are none.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// The number of items.
    pub fn len(&self) -> u32 {
        self.0.count
    }

    pub fn is_empty(&self) -> bool {
        self.0.count == 0
    }

    pub fn get(&self, key: &str) -> Option<&SealedItem> {
        let bucket = bucket_of(key);
        let group = self.0.children[usize::from(bucket >> 4)].as_ref()?;
        let items = &group.children[usize::from(bucket & 0x0f)].as_ref()?.items;
        items.binary_search_by(|item| item.key().cmp(key)).ok().map(|at| &items[at])
    }

    /// In an order without meaning that is always the same.
    pub fn iter(&self) -> impl Iterator<Item = &SealedItem> {
        let buckets = self.0.children.iter().flatten().flat_map(|group| group.children.iter().flatten());
        buckets.flat_map(|bucket| bucket.items.iter())
    }

    /// In order of key.
    pub fn sorted(&self) -> Vec<SealedItem> {
        let mut items: Vec<SealedItem> = self.iter().cloned().collect();
        items.sort_unstable_by(|a, b| a.key().cmp(b.key()));
        items
    }

    /// What turns this state into `newer`. Looks only into buckets with different hashes.
    pub fn diff(&self, newer: &Self) -> Delta {
        let mut delta = Delta::default();
        for (old, new) in self.0.children.iter().zip(&newer.0.children) {
            if old.as_ref().map(|it| it.digest) == new.as_ref().map(|it| it.digest) {
                continue;
            }
            for at in 0..16 {
                let bucket = |group: &Option<Arc<Group>>| group.as_ref().and_then(|group| group.children[at].clone());
                diff_bucket(bucket(old).as_deref(), bucket(new).as_deref(), &mut delta);
            }
        }
        delta.upserts.sort_unstable_by(|a, b| a.key().cmp(b.key()));
        delta.removed.sort_unstable();
        delta
    }
}

fn diff_bucket(old: Option<&Bucket>, new: Option<&Bucket>, delta: &mut Delta) {
    if old.map(|it| it.digest) == new.map(|it| it.digest) {
        return;
    }
    let (old, new) = (old.map_or(&[][..], |it| &it.items), new.map_or(&[][..], |it| &it.items));
    let find = |items: &[SealedItem], key: &str| items.binary_search_by(|item| item.key().cmp(key)).ok();
    delta.upserts.extend(new.iter().filter(|item| find(old, item.key()).is_none_or(|at| old[at] != **item)).cloned());
    delta.removed.extend(old.iter().filter(|item| find(new, item.key()).is_none()).map(|item| item.key().into()));
}

impl Default for Buckets {
    fn default() -> Self {
        Self(Arc::new(Node::empty()))
    }
}

impl std::fmt::Debug for Buckets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} items, {}", self.len(), self.digest())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn item(key: u16, content: u8) -> SealedItem {
        SealedItem::received(&format!("x/{key}"), Bytes::copy_from_slice(&[content])).unwrap()
    }

    fn contents() -> impl Strategy<Value = BTreeMap<u16, u8>> {
        proptest::collection::btree_map(0..900_u16, 0..3_u8, 0..600)
    }

    fn of(contents: &BTreeMap<u16, u8>) -> Buckets {
        Buckets::from_items(contents.iter().map(|(key, content)| item(*key, *content)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_delta_ends_in_the_digest_of_a_snapshot(old in contents(), new in contents()) {
            let (before, after) = (of(&old), of(&new));
            let delta = before.diff(&after);
            prop_assert_eq!(before.apply(&delta), after.clone());
            prop_assert_eq!(delta.upserts.len(), new.iter().filter(|(key, content)| old.get(key) != Some(*content)).count());
            prop_assert_eq!(delta.removed.len(), old.keys().filter(|key| !new.contains_key(key)).count());
            prop_assert_eq!(after.len() as usize, new.len());
            prop_assert_eq!(before.digest() == after.digest(), old == new);
        }

        #[test]
        fn the_order_in_which_items_come_does_not_matter(contents in contents()) {
            let forward = of(&contents);
            let backward = Buckets::from_items(contents.iter().rev().map(|(key, content)| item(*key, *content)));
            prop_assert_eq!(forward.digest(), backward.digest());
            let keys: Vec<String> = forward.sorted().iter().map(|item| item.key().to_owned()).collect();
            prop_assert!(keys.is_sorted());
            prop_assert_eq!(keys.len(), contents.len());
        }
    }

    #[test]
    fn a_delta_is_empty_where_it_neither_puts_nor_takes() {
        let (upserts, removed) = (vec![item(1, 1)], vec!["x/2".into()]);
        assert!(Delta::default().is_empty());
        assert!(!Delta { upserts: upserts.clone(), removed: vec![] }.is_empty());
        assert!(!Delta { upserts: vec![], removed: removed.clone() }.is_empty());
        assert!(!Delta { upserts, removed }.is_empty());
    }

    #[test]
    fn taking_the_last_item_away_leaves_nothing() {
        let one = Buckets::from_items([item(1, 1)]);
        let none = one.apply(&Delta { upserts: vec![], removed: vec!["x/1".into(), "x/2".into()] });
        assert_eq!(none, Buckets::default());
        assert_eq!((none.digest(), none.len()), (Digest::default(), 0));
        assert!(none.is_empty() && !one.is_empty());
        assert_eq!(format!("{one:?}"), format!("1 items, {}", one.digest()));
        assert_eq!(format!("{:?}", one.get("x/1").unwrap()), "x/1 (1 bytes)");
        assert_eq!(one.get("x/1").unwrap().bytes().as_ref(), [1]);
    }
}
