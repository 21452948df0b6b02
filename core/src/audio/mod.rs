//! Sound as samples: decoding, resampling, overviews for drawing.
