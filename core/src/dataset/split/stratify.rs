//! Divides groups of tracks so that every part has its share of every tag.
//!
//! First iterative stratification (Sechidis, Tsoumakas, Vlahavas, *On the stratification of multi-label data*, ECML PKDD 2011), with groups
//! in the place of examples: the rarest tag is dealt out first, its largest group first, to the part that lacks it most. A group brings
//! tags that were not asked for, so that something remains; then single groups move, and pairs change places, as long as that lowers
//!
//! ```text
//! cost = sum over parts and tags of (count - wanted)² / wanted  +  tags * the same for the number of tracks  +  a fine per tag missing in a part
//! ```
//!
//! Integers and a fixed order alone decide, and the seed where two choices are equal: the result is the same on every machine.

use super::groups::Groups;
use crate::dataset::Dataset;
use crate::job::{Cancelled, Job};
use crate::rng::{Address, Purpose, Stream};

/// Rounds of moves and exchanges at most; usually the cost stands still after a dozen.
const MAX_ROUNDS: usize = 40;
/// Partners that are tried for an exchange, per group and round.
const PARTNERS: usize = 6;
/// A round that lowers the cost by a smaller share is the last.
const MIN_GAIN: f64 = 1e-3;
/// What a tag costs that does not occur in a part at all: scores of it would be undefined there.
const MISSING: f64 = 10.0;

/// Groups of labelled tracks with their counts.
pub(super) struct Units {
    groups: Vec<u32>,
    n_tracks: Vec<u32>,
    /// `starts[u]..starts[u + 1]` are unit `u`'s entries.
    starts: Vec<usize>,
    /// Tag and how many tracks of the unit have it.
    entries: Vec<(u32, u32)>,
    n_tags: usize,
}

impl Units {
    /// The groups that have labelled tracks, with the counts of these.
    pub(super) fn of(dataset: &Dataset, groups: &Groups, is_labelled: &[bool]) -> Self {
        let mut members: Vec<(u32, u32)> = (0u32..)
            .zip(&groups.of_track)
            .filter(|(track, _)| is_labelled[*track as usize])
            .map(|(track, &group)| (group, track))
            .collect();
        members.sort_unstable();
        let mut units = Self {
            groups: Vec::new(),
            n_tracks: Vec::new(),
            starts: vec![0],
            entries: Vec::new(),
            n_tags: dataset.n_tags(),
        };
        let mut tags: Vec<u32> = Vec::new();
        for group in members.chunk_by(|a, b| a.0 == b.0) {
            tags.clear();
            for &(_, track) in group {
                tags.extend(dataset.tracks[track as usize].tags.iter().map(|tag| tag.0));
            }
            tags.sort_unstable();
            let counted = tags.chunk_by(|a, b| a == b);
            units
                .entries
                .extend(counted.map(|same| (same[0], same.len() as u32)));
            units.groups.push(group[0].0);
            units.n_tracks.push(group.len() as u32);
            units.starts.push(units.entries.len());
        }
        units
    }

    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The number of each unit's group.
    pub(super) fn groups(&self) -> &[u32] {
        &self.groups
    }

    fn entries(&self, unit: usize) -> &[(u32, u32)] {
        &self.entries[self.starts[unit]..self.starts[unit + 1]]
    }
}

/// The number of the part for each unit. There must be as many units as shares at least.
pub(super) fn stratify(
    units: &Units,
    shares: &[f64],
    seed: u64,
    job: &Job,
) -> Result<Vec<u8>, Cancelled> {
    let mut chance = Address::new(seed, Purpose::Split, 0).stream();
    let mut table = Table::new(units, shares);
    job.report(0, MAX_ROUNDS as u64, "dealing out the groups");
    let mut part_of = deal(units, &mut table, &mut chance);
    table.fill_empty(units, &mut part_of);
    let mut order: Vec<usize> = (0..units.len()).collect();
    let mut cost = table.cost();
    for round in 0..MAX_ROUNDS {
        job.check()?;
        job.report(round as u64, MAX_ROUNDS as u64, "balancing the tags");
        chance.shuffle(&mut order);
        for &unit in &order {
            table.move_if_better(units, unit, &mut part_of);
        }
        for &unit in &order {
            for _ in 0..PARTNERS {
                let partner = order[chance.index(order.len())];
                table.exchange_if_better(units, unit, partner, &mut part_of);
            }
        }
        let now = table.cost();
        if cost - now <= MIN_GAIN * cost {
            break;
        }
        cost = now;
    }
    Ok(part_of)
}

/// Iterative stratification: what every part still lacks, the rarest tag first.
fn deal(units: &Units, table: &mut Table, chance: &mut Stream) -> Vec<u8> {
    const OPEN: u8 = u8::MAX;
    let mut part_of = vec![OPEN; units.len()];
    let mut lots: Vec<u32> = (0..units.len() as u32).collect();
    chance.shuffle(&mut lots);
    let mut with_tag: Vec<Vec<(u32, u32)>> = vec![Vec::new(); units.n_tags];
    let mut left = vec![0u64; units.n_tags];
    for unit in 0..units.len() {
        for &(tag, count) in units.entries(unit) {
            with_tag[tag as usize].push((count, unit as u32));
            left[tag as usize] += u64::from(count);
        }
    }
    let mut put = |unit: usize, tag: usize, table: &mut Table, left: &mut [u64]| {
        let part = table.neediest(tag);
        table.add(units, unit, part, 1.0);
        for &(tag, count) in units.entries(unit) {
            left[tag as usize] -= u64::from(count);
        }
        part_of[unit] = part as u8;
    };
    let mut is_put = vec![false; units.len()];
    loop {
        let rarest = (0..units.n_tags)
            .filter(|&tag| left[tag] > 0)
            .min_by_key(|&tag| (left[tag], tag));
        let Some(tag) = rarest else {
            break;
        };
        let mut members = std::mem::take(&mut with_tag[tag]);
        members
            .sort_unstable_by_key(|&(count, unit)| (std::cmp::Reverse(count), lots[unit as usize]));
        for (_, unit) in members {
            if !std::mem::replace(&mut is_put[unit as usize], true) {
                put(unit as usize, tag, table, &mut left);
            }
        }
    }
    // What has no tag at all only fills up.
    let mut others: Vec<usize> = (0..units.len()).filter(|&unit| !is_put[unit]).collect();
    others.sort_unstable_by_key(|&unit| (std::cmp::Reverse(units.n_tracks[unit]), lots[unit]));
    for unit in others {
        put(unit, units.n_tags, table, &mut left);
    }
    part_of
}

/// Counts and wishes per part; the last column is the number of tracks.
struct Table {
    n_parts: usize,
    n_columns: usize,
    counts: Vec<f64>,
    wanted: Vec<f64>,
    /// Units in each part: none may become empty.
    n_units: Vec<usize>,
}

impl Table {
    fn new(units: &Units, shares: &[f64]) -> Self {
        let n_columns = units.n_tags + 1;
        let mut totals = vec![0.0; n_columns];
        for &(tag, count) in &units.entries {
            totals[tag as usize] += f64::from(count);
        }
        totals[units.n_tags] = units.n_tracks.iter().map(|&n| f64::from(n)).sum();
        Self {
            n_parts: shares.len(),
            n_columns,
            counts: vec![0.0; shares.len() * n_columns],
            wanted: shares
                .iter()
                .flat_map(|share| totals.iter().map(move |total| share * total))
                .collect(),
            n_units: vec![0; shares.len()],
        }
    }

    /// The part that lacks most of a column; if equal, most tracks; if equal, the earlier one.
    fn neediest(&self, column: usize) -> usize {
        let lack = |part: usize, column: usize| {
            let cell = part * self.n_columns + column;
            self.wanted[cell] - self.counts[cell]
        };
        let tracks = self.n_columns - 1;
        (0..self.n_parts)
            .rev()
            .max_by(|&a, &b| {
                let by_tag = lack(a, column).total_cmp(&lack(b, column));
                by_tag.then(lack(a, tracks).total_cmp(&lack(b, tracks)))
            })
            .unwrap_or(0)
    }

    fn add(&mut self, units: &Units, unit: usize, part: usize, sign: f64) {
        let row = part * self.n_columns;
        for &(tag, count) in units.entries(unit) {
            self.counts[row + tag as usize] += sign * f64::from(count);
        }
        self.counts[row + self.n_columns - 1] += sign * f64::from(units.n_tracks[unit]);
        if sign > 0.0 {
            self.n_units[part] += 1;
        } else {
            self.n_units[part] -= 1;
        }
    }

    fn cell_cost(&self, cell: usize, more: f64) -> f64 {
        let (count, wanted) = (self.counts[cell] + more, self.wanted[cell]);
        let off = (count - wanted) * (count - wanted) / wanted.max(0.5);
        if cell % self.n_columns == self.n_columns - 1 {
            off * (self.n_columns - 1).max(1) as f64
        } else if count < 0.5 && wanted > 0.0 {
            off + MISSING
        } else {
            off
        }
    }

    fn cost(&self) -> f64 {
        (0..self.counts.len())
            .map(|cell| self.cell_cost(cell, 0.0))
            .sum()
    }

    /// What it costs to have a unit more (`sign` 1) or less (-1) in a part.
    fn change(&self, units: &Units, unit: usize, part: usize, sign: f64) -> f64 {
        let row = part * self.n_columns;
        let of = |column: usize, count: u32| {
            let cell = row + column;
            self.cell_cost(cell, sign * f64::from(count)) - self.cell_cost(cell, 0.0)
        };
        let tags = units
            .entries(unit)
            .iter()
            .map(|&(tag, count)| of(tag as usize, count));
        tags.sum::<f64>() + of(self.n_columns - 1, units.n_tracks[unit])
    }

    /// Gives each part that nothing was dealt to (its share is smaller than the smallest group) the unit whose move costs least; `move_if_better`
    /// and exchanges leave it one.
    fn fill_empty(&mut self, units: &Units, part_of: &mut [u8]) {
        for part in 0..self.n_parts {
            if self.n_units[part] > 0 {
                continue;
            }
            let movable =
                (0..units.len()).filter(|&unit| self.n_units[usize::from(part_of[unit])] > 1);
            let cost = |unit: usize| {
                let from = usize::from(part_of[unit]);
                self.change(units, unit, from, -1.0) + self.change(units, unit, part, 1.0)
            };
            let cheapest = movable.min_by(|&a, &b| cost(a).total_cmp(&cost(b)).then(a.cmp(&b)));
            if let Some(unit) = cheapest {
                self.add(units, unit, usize::from(part_of[unit]), -1.0);
                self.add(units, unit, part, 1.0);
                part_of[unit] = part as u8;
            }
        }
    }

    fn move_if_better(&mut self, units: &Units, unit: usize, part_of: &mut [u8]) {
        let from = usize::from(part_of[unit]);
        if self.n_units[from] < 2 {
            return;
        }
        let without = self.change(units, unit, from, -1.0);
        let (mut best, mut best_change) = (from, -1e-9);
        for to in (0..self.n_parts).filter(|&to| to != from) {
            let change = without + self.change(units, unit, to, 1.0);
            if change < best_change {
                (best, best_change) = (to, change);
            }
        }
        if best != from {
            self.add(units, unit, from, -1.0);
            self.add(units, unit, best, 1.0);
            part_of[unit] = best as u8;
        }
    }

    fn exchange_if_better(&mut self, units: &Units, a: usize, b: usize, part_of: &mut [u8]) {
        let (of_a, of_b) = (usize::from(part_of[a]), usize::from(part_of[b]));
        if of_a == of_b {
            return;
        }
        let first = self.change(units, a, of_a, -1.0) + self.change(units, a, of_b, 1.0);
        self.add(units, a, of_a, -1.0);
        self.add(units, a, of_b, 1.0);
        let second = self.change(units, b, of_b, -1.0) + self.change(units, b, of_a, 1.0);
        if first + second < -1e-9 {
            self.add(units, b, of_b, -1.0);
            self.add(units, b, of_a, 1.0);
            part_of.swap(a, b);
        } else {
            self.add(units, a, of_b, -1.0);
            self.add(units, a, of_a, 1.0);
        }
    }
}
