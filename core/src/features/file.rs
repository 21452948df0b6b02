//! A spectrogram as a file that Python reads in one line.

use super::{Error, FrontEnd, LogMel};
use crate::workspace::write_whole;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

impl LogMel {
    /// Writes a safetensors file with one F32 tensor `logmel`, `[n_mels, n_frames]`, and the front end as metadata.
    /// Whole or absent.
    pub fn write(&self, path: &Path, front_end: &FrontEnd) -> Result<(), Error> {
        let failed = |source| Error::Write {
            path: path.to_owned(),
            source,
        };
        let bytes: Vec<u8> = self.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let metadata = serde_json::to_string(front_end)
            .map(|json| HashMap::from([("front_end".to_owned(), json)]))
            .map_err(|error| failed(error.into()))?;
        let file = TensorView::new(Dtype::F32, vec![self.n_mels, self.n_frames], &bytes)
            .and_then(|tensor| safetensors::serialize([("logmel", tensor)], Some(metadata)))
            .map_err(|error| failed(io::Error::other(error)))?;
        write_whole(path, |out| out.write_all(&file)).map_err(failed)
    }
}
