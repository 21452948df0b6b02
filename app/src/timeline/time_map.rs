//! Seconds ⇄ x on the screen, in f64: at an hour's length and a zoom of milliseconds, f32 would jump by pixels.
//!
//! The map is what zooming and panning change; it knows nothing of egui but the meaning of a point. What is visible always lies
//! within the song, so that nobody gets lost in emptiness.

/// Which stretch of a song is visible, and where on the screen it lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeMap {
    duration_secs: f64,
    start_secs: f64,
    span_secs: f64,
    x_left: f32,
    width: f32,
}

/// The shortest stretch that can be zoomed to.
const SHORTEST_SPAN_SECS: f64 = 0.05;

impl TimeMap {
    /// The whole song, on an area that is set later.
    pub fn new(duration_secs: f64) -> Self {
        let duration_secs = if duration_secs.is_finite() {
            duration_secs.max(SHORTEST_SPAN_SECS)
        } else {
            SHORTEST_SPAN_SECS
        };
        Self {
            duration_secs,
            start_secs: 0.0,
            span_secs: duration_secs,
            x_left: 0.0,
            width: 1.0,
        }
    }

    /// Puts the visible stretch between `x_left` and `x_left + width` (points). The stretch stays the same.
    pub fn set_area(&mut self, x_left: f32, width: f32) {
        self.x_left = x_left;
        self.width = width.max(1.0);
    }

    /// Length of the song.
    pub fn duration_secs(&self) -> f64 {
        self.duration_secs
    }

    /// First visible second.
    pub fn start_secs(&self) -> f64 {
        self.start_secs
    }

    /// Last visible second.
    pub fn end_secs(&self) -> f64 {
        self.start_secs + self.span_secs
    }

    /// Visible seconds.
    pub fn span_secs(&self) -> f64 {
        self.span_secs
    }

    /// Seconds per point of the screen.
    pub fn secs_per_point(&self) -> f64 {
        self.span_secs / f64::from(self.width)
    }

    /// Where a time lies; outside the area for times that are not visible.
    pub fn x_from_secs(&self, secs: f64) -> f32 {
        (f64::from(self.x_left) + (secs - self.start_secs) / self.secs_per_point()) as f32
    }

    /// Which time lies at `x`, within the song.
    pub fn secs_from_x(&self, x: f32) -> f64 {
        self.secs_beyond(x).clamp(0.0, self.duration_secs)
    }

    fn secs_beyond(&self, x: f32) -> f64 {
        self.start_secs + f64::from(x - self.x_left) * self.secs_per_point()
    }

    /// Whether a time is visible.
    pub fn shows(&self, secs: f64) -> bool {
        (self.start_secs..=self.end_secs()).contains(&secs)
    }

    /// Zooms so that the time at `x` stays there; `factor` above 1 shows less.
    pub fn zoom_about_x(&mut self, factor: f64, x: f32) {
        self.zoom_about_secs(factor, self.secs_from_x(x));
    }

    /// Zooms so that `secs` stays where it is (or as near as the ends of the song allow).
    pub fn zoom_about_secs(&mut self, factor: f64, secs: f64) {
        if !factor.is_finite() || factor <= 0.0 {
            return;
        }
        let share = (secs - self.start_secs) / self.span_secs;
        let span = self.span_secs / factor;
        self.set(
            secs - share * span.clamp(SHORTEST_SPAN_SECS, self.duration_secs),
            span,
        );
    }

    /// Moves the visible stretch by `points` of the screen; above 0 shows what is later.
    pub fn pan_points(&mut self, points: f32) {
        self.set(
            self.start_secs + f64::from(points) * self.secs_per_point(),
            self.span_secs,
        );
    }

    /// Shows the whole song.
    pub fn fit(&mut self) {
        self.set(0.0, self.duration_secs);
    }

    /// Shows a stretch.
    pub fn show(&mut self, from_secs: f64, to_secs: f64) {
        self.set(from_secs, to_secs - from_secs);
    }

    /// Turns the page if `secs` has run out of what is visible, as for a play head: it then stands near the left edge.
    pub fn follow(&mut self, secs: f64) {
        if !self.shows(secs) {
            self.set(secs - 0.05 * self.span_secs, self.span_secs);
        }
    }

    fn set(&mut self, start: f64, span: f64) {
        if start.is_finite() && span.is_finite() {
            self.span_secs = span.clamp(SHORTEST_SPAN_SECS, self.duration_secs);
            self.start_secs = start.clamp(0.0, self.duration_secs - self.span_secs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour() -> TimeMap {
        let mut map = TimeMap::new(3600.0);
        map.set_area(130.0, 1000.0);
        map
    }

    #[test]
    fn the_time_under_the_pointer_stays_under_the_pointer() {
        let mut map = hour();
        let x = 777.0;
        let before = map.secs_from_x(x);
        for _ in 0..50 {
            map.zoom_about_x(1.3, x);
            assert!((map.secs_from_x(x) - before).abs() < 1e-6);
            assert!((map.x_from_secs(before) - x).abs() < 1e-3);
        }
        assert!(
            (map.span_secs() - SHORTEST_SPAN_SECS).abs() < 1e-12,
            "cannot be zoomed beyond the shortest span"
        );
    }

    #[test]
    fn a_millisecond_in_an_hour_is_still_exact() {
        let mut map = hour();
        map.show(3599.0, 3599.1);
        let x = map.x_from_secs(3599.05);
        assert!((x - 630.0).abs() < 1e-3, "{x}");
        assert!((map.x_from_secs(3599.051) - x - 10.0).abs() < 1e-3);
    }

    #[test]
    fn nothing_leads_out_of_the_song() {
        let mut map = hour();
        map.zoom_about_secs(10.0, 0.0);
        map.pan_points(-500.0);
        assert_eq!(map.start_secs(), 0.0);
        map.pan_points(1e9);
        assert!((map.end_secs() - 3600.0).abs() < 1e-9);
        map.zoom_about_secs(1e-9, 1800.0);
        assert_eq!((map.start_secs(), map.end_secs()), (0.0, 3600.0));
        map.zoom_about_secs(f64::NAN, 1.0);
        map.zoom_about_secs(0.0, 1.0);
        assert_eq!(map.span_secs(), 3600.0);
    }

    #[test]
    fn the_page_turns_when_the_play_head_runs_out_of_it() {
        let mut map = hour();
        map.show(100.0, 110.0);
        map.follow(105.0);
        assert_eq!(map.start_secs(), 100.0);
        map.follow(110.1);
        assert!(map.shows(110.1) && map.start_secs() > 109.0);
        map.follow(3.0);
        assert!(map.shows(3.0));
    }
}
