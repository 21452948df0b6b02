//! The order of the tracks in each round of an epoch: made once for all threads, and kept for as long as one of them works in it.
//!
//! Of a million tracks it takes 4 MB; a copy for each thread would be more than the batches.

use super::Error;
use crate::rng::{Address, Purpose};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The tracks in an order: numbers of tracks of the data set.
pub(super) type Order = Arc<[u32]>;

/// Epoch and visit.
pub(super) type Round = (u32, u32);

/// Makes and remembers orders.
#[derive(Debug)]
pub(super) struct Orders {
    seed: u64,
    tracks: Arc<[u32]>,
    /// Those that somebody holds, by epoch and visit.
    held: Mutex<Vec<(Round, Weak<[u32]>)>>,
}

impl Orders {
    /// For tracks with these numbers. Fails if there are more than 2³².
    pub(super) fn new(seed: u64, tracks: &[usize]) -> Result<Self, Error> {
        let tracks = tracks.iter().map(|&track| u32::try_from(track));
        let tracks = tracks.collect::<Result<_, _>>().map_err(|_too_many| {
            Error::BadConfig("a data set may have 4,294,967,296 tracks at most".into())
        })?;
        Ok(Self {
            seed,
            tracks,
            held: Mutex::default(),
        })
    }

    /// The order of a round: how often all tracks have come before in this epoch is its `visit`.
    pub(super) fn of(&self, round: Round) -> Order {
        // Who wants one that is just being made waits for it.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(_, order)| order.strong_count() > 0);
        let same = held.iter().find(|(of, _)| *of == round);
        if let Some(order) = same.and_then(|(_, order)| order.upgrade()) {
            return order;
        }
        let mut order: Order = Arc::from(&*self.tracks);
        if let Some(order) = Arc::get_mut(&mut order) {
            let address = Address {
                seed: self.seed,
                epoch: round.0,
                visit: round.1,
                track: 0,
                purpose: Purpose::Shuffle,
            };
            address.stream().shuffle(order);
        }
        held.push((round, Arc::downgrade(&order)));
        order
    }

    /// What one order takes in memory.
    pub(super) fn bytes(&self) -> u64 {
        size_of_val(&*self.tracks) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_one_order_for_all_who_work_in_it_and_the_same_when_it_is_made_again() {
        let tracks: Vec<usize> = (0..1000).map(|n| 3 * n).collect();
        let orders = Orders::new(7, &tracks).unwrap();
        let first = orders.of((2, 0));
        assert!(Arc::ptr_eq(&first, &orders.of((2, 0))));
        let next = orders.of((2, 1));
        assert_ne!(first, next);
        assert!(Arc::ptr_eq(&first, &orders.of((2, 0))));
        let copy = first.to_vec();
        drop(first);
        assert_eq!(*orders.of((2, 0)), copy);
        assert_eq!(
            orders.held.lock().unwrap().len(),
            2,
            "what nobody holds is forgotten"
        );
        // As runs of earlier versions had it, which shuffled wider numbers.
        let mut wide = tracks;
        let address = Address {
            seed: 7,
            epoch: 2,
            visit: 0,
            track: 0,
            purpose: Purpose::Shuffle,
        };
        address.stream().shuffle(&mut wide);
        assert!(
            wide.iter()
                .zip(&copy)
                .all(|(wide, narrow)| *wide == *narrow as usize)
        );
        assert_eq!(orders.bytes(), 4000);
    }
}
