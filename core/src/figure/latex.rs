//! Words for LaTeX: what has a meaning there is escaped, what its fonts do not have is replaced.

/// Fit for the text of a LaTeX document.
pub(super) fn latex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '\\' => out.push_str(r"\textbackslash{}"),
            '~' => out.push_str(r"\textasciitilde{}"),
            '^' => out.push_str(r"\textasciicircum{}"),
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => {
                out.push('\\');
                out.push(c);
            }
            '\u{2212}' => out.push_str("$-$"),
            '·' => out.push_str(r"$\cdot$"),
            '×' => out.push_str(r"$\times$"),
            '±' => out.push_str(r"$\pm$"),
            '…' => out.push_str(r"\dots{}"),
            '–' => out.push_str("--"),
            '—' => out.push_str("---"),
            '’' => out.push('\''),
            '°' => out.push_str(r"$^\circ$"),
            'µ' | 'μ' => out.push_str(r"$\mu$"),
            '<' => out.push_str("$<$"),
            '>' => out.push_str("$>$"),
            '|' => out.push_str("$|$"),
            '"' => out.push_str("''"),
            c if raised(c).is_some() => {
                out.push_str("$^{");
                out.extend(raised(c));
                while let Some(next) = letters.peek().copied().and_then(raised) {
                    out.push(next);
                    letters.next();
                }
                out.push_str("}$");
            }
            ' '..='~' => out.push(c),
            // Latin letters with accents, which every engine knows.
            '\u{00C0}'..='\u{017E}'
                if !matches!(c, '×' | '÷' | 'Ħ' | 'ħ' | 'Ŧ' | 'ŧ' | 'ĸ' | 'Ŀ' | 'ŀ' | 'ŉ') =>
            {
                out.push(c);
            }
            c if c.is_control() || c == '\u{FEFF}' => out.push(' '),
            c => {
                out.push_str(r"\foreignletter{");
                out.push(c);
                out.push('}');
            }
        }
    }
    out
}

/// A raised digit or sign as itself.
fn raised(c: char) -> Option<char> {
    let plain = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-'];
    let raised = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹', '⁻'];
    raised.iter().position(|r| *r == c).map(|at| plain[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_a_command() {
        for (name, written) in [
            ("50 % of R&B_1", r"50 \% of R\&B\_1"),
            (r"\input{x}$", r"\textbackslash{}input\{x\}\$"),
            ("3·10⁻⁵", r"3$\cdot$10$^{-5}$"),
            ("Fado à noite", "Fado à noite"),
            ("東", r"\foreignletter{東}"),
            ("a\n\nb", "a  b"),
        ] {
            assert_eq!(latex(name), written);
        }
    }
}
