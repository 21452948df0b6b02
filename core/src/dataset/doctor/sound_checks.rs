//! What is wrong with the sound of single files, and which files are unlike the others.

use super::examination::{Options, Patient};
use super::hearing::{Heard, Outcome};
use super::report::Entry;
use crate::dataset::{Check, Severity};
use std::collections::BTreeMap;

/// A file counts as silent as a whole from this share on, as mostly silent from the second.
const SILENT_SHARE: f64 = 0.999;
const MOSTLY_SILENT_SHARE: f64 = 0.5;
/// One sample in a thousand on a cut top or beyond full scale is heard.
const CLIPPED_SHARE: f64 = 1e-3;
/// An offset of a fiftieth of full scale is worth a note, of a twentieth it takes room for the sound.
const MAX_DC: f64 = 0.02;
const LARGE_DC: f64 = 0.05;
/// Stated lengths are rounded, and some count an encoder's padding: seconds, or this share.
const LENGTH_SECS: f64 = 1.0;
const LENGTH_SHARE: f64 = 0.02;
/// Shorter than this is too short for any network.
const SHORTEST_SECS: f64 = 1.0;
/// Clips are of one length if so large a share is within 2 % of the median; of these, too short is below so large a part of it.
const EQUAL_SHARE: f64 = 0.8;
const SHORT_PART: f64 = 0.9;

pub(super) fn check(patients: &[Patient<'_>], options: &Options, entries: &mut Vec<Entry>) {
    let shortest = options.min_secs.unwrap_or_else(|| usual_shortest(patients));
    for patient in patients {
        if let Some(outcome) = &patient.outcome {
            entries.extend(of_one(patient, outcome, Some(shortest)));
        }
    }
    check_rates(patients, options, entries);
    check_channels(patients, entries);
}

/// What is wrong with a file by itself. Shorter than `shortest` seconds is too short; `None`: what is, is not known yet.
pub(super) fn of_one(
    patient: &Patient<'_>,
    outcome: &Outcome,
    shortest: Option<f64>,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    match outcome {
        Outcome::Unreadable(reason) => {
            let mend = "get the file again, or leave the track out";
            let (check, severity) = (Check::Unreadable, Severity::Error);
            let reason = reason.clone();
            entries.push(of_file(patient, check, severity, reason, mend, 0.0));
        }
        Outcome::Heard(heard) => check_file(patient, heard, shortest, &mut entries),
    }
    entries
}

/// An entry about one file, which leaving out the track mends.
fn of_file(
    patient: &Patient<'_>,
    check: Check,
    severity: Severity,
    message: String,
    mend: &str,
    start_secs: f64,
) -> Entry {
    let mut entry =
        Entry::new(check, severity, patient.id, message, mend).about([patient.id.to_owned()]);
    entry.finding.file = Some(patient.path.to_path_buf());
    if check != Check::Unreadable {
        entry.sounds.push(patient.sound(start_secs));
    }
    // An offset is heard by no network, and no track is lost for it.
    if check != Check::DcOffset {
        entry.leave_out.push(patient.id.to_owned());
    }
    entry
}

/// Whether there is nothing to hear from beginning to end.
pub(super) fn is_silent(heard: &Heard) -> bool {
    heard.silent_share >= SILENT_SHARE
}

fn check_file(
    patient: &Patient<'_>,
    heard: &Heard,
    shortest: Option<f64>,
    entries: &mut Vec<Entry>,
) {
    let mut found = |check, severity, message, mend: &str, start_secs: f64| {
        entries.push(of_file(patient, check, severity, message, mend, start_secs));
    };
    if !heard.warnings.is_empty() {
        let check = if heard.is_cut_off {
            Check::CutOff
        } else {
            Check::Damaged
        };
        let mend = "get the file again; what is left of it can be used";
        let start = if heard.is_cut_off {
            heard.secs - 5.0
        } else {
            0.0
        };
        found(
            check,
            Severity::Warning,
            heard.warnings.join("; "),
            mend,
            start.max(0.0),
        );
    }
    if is_silent(heard) {
        let message = format!(
            "silent from beginning to end (below -60 dB for {:.1} s)",
            heard.secs
        );
        found(
            Check::Silent,
            Severity::Error,
            message,
            "get the file again, or leave the track out",
            0.0,
        );
    } else if heard.silent_share > MOSTLY_SILENT_SHARE {
        let (start, secs) = heard.silence;
        let message = format!(
            "silent for {:.0} % of its time, at a stretch from {start:.1} s on for {secs:.1} s",
            100.0 * heard.silent_share
        );
        let mend = "listen whether its tags hold; a crop of it is often silence";
        found(
            Check::Silent,
            Severity::Warning,
            message,
            mend,
            (start - 2.0).max(0.0),
        );
    }
    if heard.clipped_share > CLIPPED_SHARE {
        let message = format!(
            "{:.2} % of its samples are beyond full scale or on a cut top, most about {:.0} s",
            100.0 * heard.clipped_share,
            heard.clipped_at_secs
        );
        let mend = "encode it again at a lower level, if its source is at hand";
        found(
            Check::Clipped,
            Severity::Warning,
            message,
            mend,
            (heard.clipped_at_secs - 1.0).max(0.0),
        );
    }
    if let Some(shortest) = shortest
        && heard.secs < shortest
    {
        let message = format!(
            "{:.2} s long, others and the settings want {shortest:.2} s at least",
            heard.secs
        );
        found(
            Check::TooShort,
            Severity::Warning,
            message,
            "get the file again, or leave the track out",
            0.0,
        );
    }
    if heard.dc.abs() > MAX_DC {
        let message = format!("its mean is {:+.3} of full scale instead of 0", heard.dc);
        let severity = if heard.dc.abs() > LARGE_DC {
            Severity::Warning
        } else {
            Severity::Note
        };
        let mend = "filter it below 20 Hz; networks on log-mel spectrograms hardly notice";
        found(Check::DcOffset, severity, message, mend, 0.0);
    }
    if let Some(stated) = patient.stated_secs
        && (stated - heard.secs).abs() > LENGTH_SECS.max(LENGTH_SHARE * stated)
    {
        let message = format!(
            "{:.2} s long, the data set states {stated:.2} s",
            heard.secs
        );
        let mend = "look whether it is the right file; the audio's own length is used";
        let start = (heard.secs.min(stated) - 5.0).max(0.0);
        found(Check::Length, Severity::Warning, message, mend, start);
    }
}

/// The length below which clips stand out, in seconds.
fn usual_shortest(patients: &[Patient<'_>]) -> f64 {
    let mut secs: Vec<f64> = patients
        .iter()
        .filter_map(Patient::heard)
        .map(|heard| heard.secs)
        .collect();
    secs.sort_by(f64::total_cmp);
    let Some(&median) = secs.get(secs.len() / 2) else {
        return SHORTEST_SECS;
    };
    let n_equal = secs
        .iter()
        .filter(|secs| (**secs - median).abs() <= 0.02 * median)
        .count();
    if secs.len() >= 10 && n_equal as f64 >= EQUAL_SHARE * secs.len() as f64 {
        (SHORT_PART * median).max(SHORTEST_SECS.min(median))
    } else {
        SHORTEST_SECS
    }
}

/// The one file is named beside the message.
fn n_files_are(n: usize) -> String {
    match n {
        1 => "it is".to_owned(),
        n => format!("{n} files are"),
    }
}

/// Tracks by a property of their files.
fn grouped<K: Ord>(patients: &[Patient<'_>], key: impl Fn(&Heard) -> K) -> BTreeMap<K, Vec<usize>> {
    let mut groups: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (idx, patient) in patients.iter().enumerate() {
        if let Some(heard) = patient.heard() {
            groups.entry(key(heard)).or_default().push(idx);
        }
    }
    groups
}

fn check_rates(patients: &[Patient<'_>], options: &Options, entries: &mut Vec<Entry>) {
    let groups = grouped(patients, |heard| heard.rate_hz);
    let most = groups
        .iter()
        .max_by_key(|(rate, members)| (members.len(), **rate));
    let Some(wanted) = options.rate_hz.or(most.map(|(rate, _)| *rate)) else {
        return;
    };
    let whose = if options.rate_hz.is_some() {
        "asked for"
    } else {
        "what most have"
    };
    for (rate, members) in groups.iter().filter(|(rate, _)| **rate != wanted) {
        // What lies above half the rate is missing from these files and not from the others: a network may learn that.
        let is_lower = *rate < wanted;
        let n = members.len();
        let message = format!(
            "{} at {rate} Hz instead of {wanted} Hz, {whose}",
            n_files_are(n)
        );
        let (severity, mend) = if is_lower {
            (
                Severity::Warning,
                "they lack the highest tones that the others have; get them at the full rate",
            )
        } else {
            (
                Severity::Note,
                "nothing need be done: all are resampled to one rate",
            )
        };
        let about = members.iter().map(|&idx| patients[idx].id.to_owned());
        let mut entry = Entry::new(Check::WrongRate, severity, &rate.to_string(), message, mend)
            .about(about.clone());
        entry.sounds = members
            .iter()
            .take(20)
            .map(|&idx| patients[idx].sound(0.0))
            .collect();
        if is_lower {
            entry.leave_out = about.collect();
        }
        entries.push(entry);
    }
}

fn check_channels(patients: &[Patient<'_>], entries: &mut Vec<Entry>) {
    let groups = grouped(patients, |heard| heard.channels);
    let Some((most, _)) = groups
        .iter()
        .max_by_key(|(channels, members)| (members.len(), **channels))
    else {
        return;
    };
    let words = |channels: u16| match channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        n => format!("of {n} channels"),
    };
    for (channels, members) in groups.iter().filter(|(channels, _)| *channels != most) {
        let n = members.len();
        let message = format!(
            "{} {}, most are {}",
            n_files_are(n),
            words(*channels),
            words(*most)
        );
        let mend = "nothing need be done: networks hear the mean of the channels";
        let about = members.iter().map(|&idx| patients[idx].id.to_owned());
        let mut entry = Entry::new(
            Check::Channels,
            Severity::Note,
            &channels.to_string(),
            message,
            mend,
        )
        .about(about);
        entry.sounds = members
            .iter()
            .take(20)
            .map(|&idx| patients[idx].sound(0.0))
            .collect();
        entries.push(entry);
    }
}
