//! Checkpoints of PyTorch, as `torch.save` writes them: a pickle that names storages, and the storages' bytes.
//!
//! There are two layouts: `zip_layout` since PyTorch 1.6, `legacy_layout` before it. In both the pickle holds a state dict, or a
//! dictionary that holds one among other things (Lightning's `state_dict`). A tensor is a call of
//! `torch._utils._rebuild_tensor_v2` with a storage, an offset, a shape and strides; everything else in the pickle is passed over.

mod dictionary;
mod legacy_layout;
mod tensor;
mod zip_layout;

pub(super) use dictionary::Contents;
pub(super) use legacy_layout::{is_legacy, read as read_legacy};
pub(super) use zip_layout::read as read_zip;

use std::collections::BTreeMap;
use std::ops::Range;

/// Where the bytes of each storage lie in the file, by its key.
type Storages = BTreeMap<String, Range<usize>>;
