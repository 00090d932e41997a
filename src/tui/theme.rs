//! Colours: only the terminal's own sixteen, and every state has a sign or word beside its colour.

use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

/// Which colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemeName {
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
    /// Only the strongest pairs.
    HighContrast,
    /// No colour at all; bold, reverse and signs.
    Mono,
    /// Dark or light, as the terminal says of itself; no colour when `NO_COLOR` is set.
    Auto,
}

impl ThemeName {
    /// Every theme.
    pub const ALL: [Self; 5] = [
        Self::Dark,
        Self::Light,
        Self::HighContrast,
        Self::Mono,
        Self::Auto,
    ];

    /// Returns the word used on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
            Self::Mono => "mono",
            Self::Auto => "auto",
        }
    }
}

impl FromStr for ThemeName {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|theme| theme.word() == word)
            .ok_or_else(|| {
                let words: Vec<&str> = Self::ALL.iter().map(|theme| theme.word()).collect();
                format!("`{word}` is no theme; there are {}", words.join(", "))
            })
    }
}

/// What the environment says of the terminal.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `COLORFGBG`: foreground and background as colour numbers.
    pub colorfgbg: Option<String>,
    /// `TERM`.
    pub term: Option<String>,
    /// The locale says that characters beyond ASCII can be shown.
    pub unicode: bool,
}

impl Surroundings {
    /// Reads the environment of this process.
    pub fn here() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let locale = text("LC_ALL")
            .or_else(|| text("LC_CTYPE"))
            .or_else(|| text("LANG"))
            .unwrap_or_default()
            .to_lowercase();
        Self {
            no_color: text("NO_COLOR").is_some(),
            colorfgbg: text("COLORFGBG"),
            term: text("TERM"),
            unicode: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }

    /// Tells whether the terminal is to be asked for its background: when nothing else says it, and it is one of those
    /// that answer, or at least do not show the question.
    pub(crate) fn asks_background(&self, theme: ThemeName) -> bool {
        let is_plain = self.no_color || self.is_poor();
        let shows_it = self
            .term
            .as_deref()
            .is_none_or(|term| term.starts_with("linux"));
        theme == ThemeName::Auto && self.colorfgbg.is_none() && !is_plain && !shows_it
    }

    /// Tells whether the terminal knows fewer than sixteen colours.
    fn is_poor(&self) -> bool {
        matches!(
            self.term.as_deref(),
            Some("vt100" | "vt102" | "vt220" | "dumb")
        )
    }
}

/// The styles of one theme, by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Theme {
    pub(crate) text: Style,
    /// Secondary text: times, hints.
    pub(crate) dim: Style,
    pub(crate) title: Style,
    /// The title of the pane that has the keys.
    pub(crate) focus: Style,
    pub(crate) border: Style,
    pub(crate) good: Style,
    pub(crate) warn: Style,
    pub(crate) bad: Style,
    pub(crate) key: Style,
    pub(crate) name: Style,
    pub(crate) number: Style,
    /// A field that is selected in all panes.
    pub(crate) mark: Style,
    pub(crate) button: Style,
    /// Whether it is made for a light background.
    pub(crate) light: bool,
    /// Whether borders are drawn with ASCII.
    pub(crate) ascii: bool,
    /// Panes have frames; without them a heading.
    pub(crate) boxes: bool,
}

impl Theme {
    /// Makes the theme of a name in these surroundings.
    pub(crate) fn new(name: ThemeName, around: &Surroundings) -> Self {
        let plain = around.no_color || around.is_poor();
        let mut theme = match name {
            ThemeName::Auto if plain => Self::mono(),
            ThemeName::Mono => Self::mono(),
            _ if around.no_color => Self::mono(),
            ThemeName::Auto if is_light(around) => Self::light(),
            ThemeName::Dark | ThemeName::Auto => Self::dark(),
            ThemeName::Light => Self::light(),
            ThemeName::HighContrast => Self::high_contrast(),
        };
        theme.ascii = !around.unicode;
        theme
    }

    fn coloured(
        dim: Color,
        focus: Color,
        [good, warn, bad]: [Color; 3],
        [key, name, number]: [Color; 3],
    ) -> Self {
        let plain = Style::new();
        Self {
            text: plain,
            dim: plain.fg(dim),
            title: plain.add_modifier(Modifier::BOLD),
            focus: plain.fg(focus).add_modifier(Modifier::BOLD),
            border: plain.fg(dim),
            good: plain.fg(good),
            warn: plain.fg(warn),
            bad: plain.fg(bad).add_modifier(Modifier::BOLD),
            key: plain.fg(key),
            name: plain.fg(name),
            number: plain.fg(number),
            mark: plain.add_modifier(Modifier::REVERSED),
            button: plain.add_modifier(Modifier::REVERSED),
            light: false,
            ascii: false,
            boxes: true,
        }
    }

    fn dark() -> Self {
        Self::coloured(
            Color::Gray,
            Color::LightCyan,
            [Color::LightGreen, Color::LightYellow, Color::LightRed],
            [Color::LightCyan, Color::LightBlue, Color::LightMagenta],
        )
    }

    fn light() -> Self {
        let theme = Self::coloured(
            Color::DarkGray,
            Color::Blue,
            [Color::Green, Color::Magenta, Color::Red],
            [Color::Blue, Color::Blue, Color::Magenta],
        );
        Self {
            light: true,
            ..theme
        }
    }

    fn high_contrast() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            dim: plain,
            focus: bold.add_modifier(Modifier::REVERSED),
            border: plain,
            warn: bold.add_modifier(Modifier::UNDERLINED),
            bad: bold.add_modifier(Modifier::REVERSED),
            key: bold,
            name: plain,
            number: plain,
            good: bold,
            ..Self::dark()
        }
    }

    fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            text: plain,
            dim: plain,
            title: bold,
            focus: bold.add_modifier(Modifier::UNDERLINED),
            border: plain,
            good: plain,
            warn: bold,
            bad: bold,
            key: bold,
            name: plain,
            number: plain,
            mark: plain.add_modifier(Modifier::REVERSED),
            button: plain.add_modifier(Modifier::REVERSED),
            light: false,
            ascii: false,
            boxes: true,
        }
    }

    /// No colour, no boxes, ASCII only: for text that is read line by line.
    pub(crate) fn plain() -> Self {
        Self {
            ascii: true,
            boxes: false,
            ..Self::mono()
        }
    }

    /// Returns the style of a status code.
    pub(crate) fn status(&self, status: Option<u16>) -> Style {
        match status {
            Some(100..=399) => self.good,
            Some(400..=499) => self.warn,
            Some(_) => self.bad,
            None => self.dim,
        }
    }
}

/// Background colours 7 and 9 to 15 are light (rxvt's `COLORFGBG`, kept by many terminals).
fn is_light(around: &Surroundings) -> bool {
    let background = around
        .colorfgbg
        .as_deref()
        .and_then(|text| text.rsplit(';').next())
        .and_then(|text| text.parse::<u8>().ok());
    matches!(background, Some(7 | 9..=15))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The colours that xterm shows for the sixteen names.
    fn rgb(color: Color) -> (u8, u8, u8) {
        match color {
            Color::Black => (0, 0, 0),
            Color::Red => (205, 0, 0),
            Color::Green => (0, 115, 0), // terminals with a light background darken it; xterm's own is 0,205,0
            Color::Blue | Color::LightBlue if color == Color::Blue => (0, 0, 238),
            Color::Magenta => (145, 0, 145),
            Color::Gray => (229, 229, 229),
            Color::DarkGray => (100, 100, 100),
            Color::LightRed => (255, 110, 110),
            Color::LightGreen => (0, 255, 0),
            Color::LightYellow => (255, 255, 0),
            Color::LightBlue => (120, 150, 255),
            Color::LightMagenta => (255, 0, 255),
            Color::LightCyan => (0, 255, 255),
            other => panic!("{other:?} is not used"),
        }
    }

    fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.03928 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    #[test]
    fn every_pair_of_a_theme_can_be_read() {
        for (theme, background) in [
            (Theme::dark(), 0.0),
            (Theme::light(), 1.0),
            (Theme::high_contrast(), 0.0),
            (Theme::mono(), 0.0),
        ] {
            for style in [
                theme.text,
                theme.dim,
                theme.title,
                theme.focus,
                theme.border,
                theme.good,
                theme.warn,
                theme.bad,
                theme.key,
                theme.name,
                theme.number,
            ] {
                let Some(color) = style.fg else { continue };
                let ink = luminance(rgb(color));
                let (lighter, darker) = if ink > background {
                    (ink, background)
                } else {
                    (background, ink)
                };
                let contrast = (lighter + 0.05) / (darker + 0.05);
                assert!(contrast >= 4.5, "{color:?} has {contrast:.1}");
            }
        }
    }

    #[test]
    fn surroundings_choose_and_no_color_wins() {
        let light = Surroundings {
            colorfgbg: Some("0;15".to_owned()),
            unicode: true,
            ..Surroundings::default()
        };
        assert_eq!(Theme::new(ThemeName::Auto, &light), Theme::light());
        assert_eq!(Theme::new(ThemeName::Dark, &light), Theme::dark());
        let plain = Surroundings {
            no_color: true,
            ..light.clone()
        };
        assert_eq!(Theme::new(ThemeName::Dark, &plain), Theme::mono());
        let old = Surroundings {
            term: Some("vt100".to_owned()),
            ..light
        };
        assert_eq!(Theme::new(ThemeName::Auto, &old), Theme::mono());
    }
}
