//! Merkle trees over a part of the chain (R9, R185), as in RFC 6962: a root that can be anchored anywhere, and for each entry a
//! short proof that it is under that root. Who checks a proof needs the entry's hash, the root, and nothing of ours.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::hash::Digest;

/// The root over a part of the chain. A leaf is the hash of an entry, as 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Sealed {
    /// The first entry under it.
    pub from: u64,
    /// The last entry under it.
    pub to: u64,
    /// The root.
    pub root: Digest,
}

impl Sealed {
    pub(super) const fn new(from: u64, to: u64, root: Digest) -> Self {
        Self { from, to, root }
    }
}

/// A proof that a leaf is under a root: its place, how many leaves there are, and the hashes beside its way up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Inclusion {
    /// The leaf's place, from 0 on.
    pub index: u64,
    /// How many leaves there are.
    pub leaves: u64,
    /// The hashes beside the way from the leaf to the root.
    pub path: Vec<Digest>,
}

impl Inclusion {
    /// Whether this leads from an entry's hash to a root.
    #[must_use]
    pub fn leads(&self, entry: Digest, root: Digest) -> bool {
        self.reached(entry.as_bytes()) == Some(root)
    }

    /// RFC 9162, 2.1.3.2.
    fn reached(&self, bytes: &[u8]) -> Option<Digest> {
        if self.index >= self.leaves {
            return None;
        }
        let (mut index, mut last) = (self.index, self.leaves.checked_sub(1)?);
        let mut hash = leaf(bytes);
        for beside in &self.path {
            if last == 0 {
                return None;
            }
            if index % 2 == 1 || index == last {
                hash = node(*beside, hash);
                while index % 2 == 0 && index != 0 {
                    (index, last) = (index / 2, last / 2);
                }
            } else {
                hash = node(hash, *beside);
            }
            (index, last) = (index / 2, last / 2);
        }
        (last == 0).then_some(hash)
    }
}

fn leaf(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

fn node(left: Digest, right: Digest) -> Digest {
    let hash = Sha256::new().chain_update([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
    Digest::from_bytes(hash.finalize().into())
}

/// The root over these leaves; `None` where there are none.
pub(super) fn root<T: AsRef<[u8]>>(leaves: &[T]) -> Option<Digest> {
    match leaves {
        [] => None,
        [only] => Some(leaf(only.as_ref())),
        _ => {
            let (left, right) = leaves.split_at_checked(left_of(leaves.len()))?;
            Some(node(root(left)?, root(right)?))
        }
    }
}

/// The proof for the leaf at a place; `None` where there is no such leaf.
pub(super) fn prove<T: AsRef<[u8]>>(leaves: &[T], index: usize) -> Option<Inclusion> {
    leaves.get(index)?;
    let mut path = Vec::new();
    let (mut part, mut at) = (leaves, index);
    while part.len() > 1 {
        let (left, right) = part.split_at_checked(left_of(part.len()))?;
        let beside;
        (part, beside, at) =
            if at < left.len() { (left, right, at) } else { (right, left, at.checked_sub(left.len())?) };
        path.push(root(beside)?);
    }
    path.reverse();
    Some(Inclusion { index: index.try_into().ok()?, leaves: leaves.len().try_into().ok()?, path })
}

/// How many of several leaves are on the left: the largest power of two below their number.
const fn left_of(leaves: usize) -> usize {
    leaves.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves and roots that the reference implementation of RFC 6962 is tested with.
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_the_rfc() {
        for (size, want) in (1..).zip(ROOTS) {
            assert_eq!(root(&LEAVES[..size]).unwrap().to_string(), want);
        }
        assert_eq!(root::<&[u8]>(&[]), None);
    }

    /// Every leaf of every size proves itself, no other one, under no other root, and with no part of the proof bent.
    #[test]
    fn a_proof_proves_its_leaf_and_nothing_else() {
        for size in 1..=LEAVES.len() {
            let leaves = &LEAVES[..size];
            let top = root(leaves);
            for (index, own) in leaves.iter().enumerate() {
                let proof = prove(leaves, index).unwrap();
                assert_eq!(proof.reached(own), top);
                for (other, leaf) in leaves.iter().enumerate() {
                    assert_eq!(proof.reached(leaf) == top, other == index, "{index} of {size}, as {other}");
                }
                for at in 0..proof.path.len() {
                    let mut bent = proof.clone();
                    bent.path[at] = Digest::ZERO;
                    assert_ne!(bent.reached(own), top);
                    bent.path.remove(at);
                    assert_ne!(bent.reached(own), top);
                }
                let longer =
                    Inclusion { path: [proof.path.clone(), vec![Digest::ZERO]].concat(), ..proof.clone() };
                assert_eq!(longer.reached(own), None);
                let outside = Inclusion { index: proof.leaves, ..proof };
                assert_eq!(outside.reached(own), None);
            }
            assert_eq!(prove(leaves, size), None);
        }
    }
}
