//! A disk that fills up while a run trains: the run says so and ends with a good checkpoint and nothing torn; with room again it goes on to
//! the same bits as a run that had room all along.

use crate::lab::{Lab, assert_same_run, check_readable, succeed, wait_until};
use attune_core::machine::room_on_disk;
use attune_core::run::{History, Status};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Room for a run of the tiny network with all that it keeps beside a checkpoint that it writes.
const SIZE: &str = "24m";

const OPTIONS: [&str; 6] = [
    "--epochs",
    "40",
    "--patience",
    "0",
    "--augment",
    "reference",
];

/// A small disk, in memory: a tmpfs in a mount namespace of its own, which a sleeping process holds open, so that nobody need be root and
/// nothing is left behind.
struct SmallDisk {
    keeper: Child,
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts it at `folder`; `None` where this may not be done.
    fn mount(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let script =
            format!("mount -t tmpfs -o size={SIZE} tmpfs \"$1\" && echo ready && exec sleep 3600");
        // With a user namespace for those who are not root, without one where these are switched off.
        for namespaces in ["-rm", "-m"] {
            let keeper = Command::new("unshare")
                .args([namespaces, "sh", "-c", &script, "sh"])
                .arg(folder)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            let Ok(mut keeper) = keeper else { continue };
            let mut line = String::new();
            let mut told = BufReader::new(keeper.stdout.take().unwrap());
            told.read_line(&mut line).unwrap();
            if line == "ready\n" {
                let root = PathBuf::from(format!("/proc/{}/root", keeper.id()));
                let path = root.join(folder.strip_prefix("/").unwrap());
                return Some(Self { keeper, path });
            }
            drop(keeper.kill());
            drop(keeper.wait());
        }
        None
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }

    /// Fills it up to the last `left` bytes (whole pages of them).
    fn fill(&self, left: u64) {
        let free = room_on_disk(&self.path).unwrap();
        assert!(
            (left..32 << 20).contains(&free),
            "{free} bytes are free on a disk of {SIZE}"
        );
        std::fs::write(self.ballast(), vec![0; (free - left) as usize]).unwrap();
        assert!(room_on_disk(&self.path).unwrap() <= left + 4096);
    }

    fn empty(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.keeper.kill());
        drop(self.keeper.wait());
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Trains until there is a checkpoint, fills the disk up to `left` bytes, and gives the run folder with what the program said when it ended.
fn train_until_full(lab: &Lab, workspace: &str, disk: &SmallDisk, left: u64) -> (PathBuf, String) {
    std::fs::create_dir_all(lab.workspace(workspace)).unwrap();
    std::os::unix::fs::symlink(&disk.path, lab.workspace(workspace).join("runs")).unwrap();
    let mut child = lab.train(workspace, &OPTIONS).spawn().unwrap();
    wait_until(lab, workspace, &mut child, |history| {
        history.validations().len() >= 3
    });
    // While it waits it has nothing half done, so that `left` alone says where it meets the end of the disk.
    let run = lab.run_folder(workspace).unwrap();
    let steer = |order: &str| {
        let mut command = lab.attune(workspace, &["runs", order]);
        let output = command.arg(&run).output().unwrap();
        assert!(output.status.success(), "{order}: {output:?}");
    };
    steer("pause");
    wait_until(lab, workspace, &mut child, |history| {
        history.status() == Status::Paused
    });
    disk.fill(left);
    steer("continue");
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    (run, stderr)
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_whose_disk_fills_up_says_so_and_goes_on_when_there_is_room_to_the_same_bits() {
    let lab = Lab::new();
    let scratch = tempfile::tempdir().unwrap();
    if SmallDisk::mount(&scratch.path().join("probe")).is_none() {
        eprintln!(
            "SKIPPED: no small disk can be mounted here (`unshare -rm mount -t tmpfs` is not allowed)"
        );
        return;
    }
    succeed(lab.train("whole", &OPTIONS));
    let whole = lab.run_folder("whole").unwrap();
    // Of a checkpoint of 2.0 MB: nothing at all, so that lines and rows are cut; a page; within the state; within the weights.
    for left in [0, 4096, 700_000, 1_500_000] {
        let workspace = format!("full-{left}");
        let disk = SmallDisk::mount(&scratch.path().join(&workspace)).unwrap();
        let (run, stderr) = train_until_full(&lab, &workspace, &disk, left);
        let id = run.file_name().unwrap().to_str().unwrap();
        for part in [
            "the disk is full",
            "MB for a checkpoint",
            "are free",
            &format!("attune train --resume {id}"),
            "(os error 28)",
            &run.display().to_string(),
        ] {
            assert!(stderr.contains(part), "{left}: {part} in {stderr}");
        }
        check_readable(&lab, &workspace, &run);
        let history = History::open(&run).unwrap();
        assert!(
            matches!(history.status(), Status::Failed | Status::Interrupted),
            "{:?}",
            history.status()
        );
        let half_written = files(&run).into_iter();
        let half_written: Vec<_> = half_written
            .filter(|file| file.extension().is_some_and(|end| end == "part"))
            .filter(|file| !file.ends_with("summary.json.part"))
            .collect();
        assert!(half_written.is_empty(), "{half_written:?}");

        // There is still no room: it says so again and nothing is lost.
        disk.empty();
        disk.fill(left);
        let mut resume = lab.attune(&workspace, &["train", "--json", "--resume"]);
        let output = resume.arg(&run).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && stderr.contains("the disk is full"),
            "{left}: {stderr}"
        );
        check_readable(&lab, &workspace, &run);

        disk.empty();
        let mut resume = lab.attune(&workspace, &["train", "--json", "--resume"]);
        resume.arg(&run);
        assert_eq!(succeed(resume)["outcome"], "finished");
        assert_same_run(&run, &whole);
        check_readable(&lab, &workspace, &run);
    }
}
