//! From the tree of `brush-parser` to ours. The crate leaves words as text; here they are taken apart.

use std::rc::Rc;

use brush_parser::ast::{self, SourceLocation};

use super::{
    SyntaxError,
    extent::is_name,
    lexer::{FIRST_NAMED_DESCRIPTOR, NO_WORDS, SELECT},
    tree::{
        AfterArm, AndOr, Arm, Assigned, Assignment, Command, Compound, Connector, FunctionBody, Item, List,
        Piece, Pipeline, Redirect, RedirectKind, Simple, Test, Word,
    },
    word::{self, Tildes},
};

type Lowered<T> = Result<T, SyntaxError>;

/// Builtins whose operands are assignments, expanded like those.
const DECLARATIONS: [&str; 5] = ["declare", "export", "local", "readonly", "typeset"];

/// The tree of a program, which was read of `text`. `named_descriptors` are the variables of its redirections, as the lexer has counted them.
pub fn program(
    program: ast::Program,
    text: &str,
    depth: usize,
    named_descriptors: &[String],
) -> Lowered<List> {
    let lowering = Lowering { text, depth, named_descriptors };
    let mut list = List::default();
    for command in program.complete_commands {
        list.0.append(&mut lowering.list(command)?.0);
    }
    Ok(list)
}

struct Lowering<'a> {
    text: &'a str,
    depth: usize,
    named_descriptors: &'a [String],
}

fn line_of(word: &ast::Word) -> u32 {
    word.loc.as_ref().map_or(1, |location| location.start.line as u32)
}

fn unsupported(line: u32, what: &str) -> SyntaxError {
    SyntaxError::new(line, format!("{what} are not supported"))
}

impl Lowering<'_> {
    fn word(&self, word: &ast::Word) -> Lowered<Word> {
        word::word(&word.value, line_of(word), self.depth, Tildes::AtStart)
    }

    fn list(&self, list: ast::CompoundList) -> Lowered<List> {
        let items = list.0.into_iter().map(|ast::CompoundListItem(and_or, separator)| {
            Ok(Item {
                and_or: self.and_or(and_or)?,
                background: matches!(separator, ast::SeparatorOperator::Async),
            })
        });
        items.collect::<Lowered<_>>().map(List)
    }

    fn and_or(&self, list: ast::AndOrList) -> Lowered<AndOr> {
        let rest = list.additional.into_iter().map(|part| match part {
            ast::AndOr::And(pipeline) => Ok((Connector::And, self.pipeline(pipeline)?)),
            ast::AndOr::Or(pipeline) => Ok((Connector::Or, self.pipeline(pipeline)?)),
        });
        Ok(AndOr { first: self.pipeline(list.first)?, rest: rest.collect::<Lowered<_>>()? })
    }

    fn pipeline(&self, pipeline: ast::Pipeline) -> Lowered<Pipeline> {
        Ok(Pipeline {
            negated: pipeline.bang,
            timed: pipeline.timed.is_some(),
            stages: pipeline.seq.into_iter().map(|command| self.command(command)).collect::<Lowered<_>>()?,
        })
    }

    fn command(&self, command: ast::Command) -> Lowered<Command> {
        match command {
            ast::Command::Simple(simple) => self.simple(simple).map(Command::Simple),
            ast::Command::Compound(compound, redirects) => {
                Ok(Command::Compound(Box::new(self.compound(compound)?), self.redirects(redirects)?))
            }
            ast::Command::ExtendedTest(test, redirects) => {
                let line = test.loc.start.line as u32;
                let compound = Compound::Test { line, test: self.test(test.expr)? };
                Ok(Command::Compound(Box::new(compound), self.redirects(redirects)?))
            }
            ast::Command::Function(definition) => {
                // Names may be odd, but they are not expanded.
                if definition.fname.value.contains(['$', '`', '\'', '"', '\\']) {
                    return Err(SyntaxError::new(line_of(&definition.fname), "Bad function name"));
                }
                let ast::FunctionBody(body, redirects) = definition.body;
                let text = match body.location() {
                    Some(place) => self.text.get(place.start.index..place.end.index).unwrap_or_default(),
                    None => "",
                };
                let text = text.to_owned();
                let body =
                    FunctionBody { text, body: self.compound(body)?, redirects: self.redirects(redirects)? };
                Ok(Command::Function { name: definition.fname.value, body: Rc::new(body) })
            }
        }
    }

    fn simple(&self, command: ast::SimpleCommand) -> Lowered<Simple> {
        let mut simple = Simple::default();
        let mut line = None;
        let mut redirected = None;
        let mut declares = false;
        let prefix = command.prefix.map(|prefix| prefix.0).unwrap_or_default();
        let suffix = command.suffix.map(|suffix| suffix.0).unwrap_or_default();
        let name = command.word_or_name.map(ast::CommandPrefixOrSuffixItem::Word);
        for item in prefix.into_iter().chain(name).chain(suffix) {
            let word = match item {
                ast::CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                    if let ast::IoRedirect::File(_, _, ast::IoFileRedirectTarget::Filename(word)) = &redirect
                    {
                        redirected.get_or_insert(line_of(word));
                    }
                    simple.redirects.push(self.redirect(redirect)?);
                    continue;
                }
                ast::CommandPrefixOrSuffixItem::ProcessSubstitution(_, command) => {
                    return Err(unsupported(command.loc.start.line as u32, "process substitutions"));
                }
                ast::CommandPrefixOrSuffixItem::AssignmentWord(assignment, word) => {
                    if matches!(assignment.value, ast::AssignmentValue::Array(_)) {
                        return Err(unsupported(line_of(&word), "arrays"));
                    }
                    word
                }
                ast::CommandPrefixOrSuffixItem::Word(word) => word,
            };
            line.get_or_insert(line_of(&word));
            if simple.words.is_empty() {
                match self.assignment(&word)? {
                    Some(assignment) => {
                        simple.assignments.push(assignment);
                        continue;
                    }
                    None => {
                        let name = word.value.as_str();
                        declares = DECLARATIONS.contains(&name);
                    }
                }
            }
            let declared = if declares { self.assignment(&word)? } else { None };
            simple.words.push(match declared {
                Some(assignment) => self.declared(assignment),
                None => self.word(&word)?,
            });
        }
        simple.line = line.or(redirected).unwrap_or(1);
        Ok(simple)
    }

    /// An assignment as the operand of a builtin that makes it.
    fn declared(&self, assignment: Assignment) -> Word {
        let Assignment { name, subscript, append, value } = assignment;
        let operator = if append { "+=" } else { "=" };
        let mut pieces = Word::literal(&name).0;
        if let Some(subscript) = subscript {
            pieces.extend(Word::literal("[").0);
            pieces.extend(subscript.0.into_iter().map(protect));
            pieces.extend(Word::literal("]").0);
        }
        pieces.extend(Word::literal(operator).0);
        match value {
            // Quoting the whole keeps the value from being split.
            Assigned::Word(value) => pieces.extend(value.0.into_iter().map(protect)),
            Assigned::Array(elements) => pieces.push(Piece::Array(elements)),
        }
        Word(pieces)
    }

    /// The assignment that a word is, if it is one.
    fn assignment(&self, word: &ast::Word) -> Lowered<Option<Assignment>> {
        word::assignment(&word.value, line_of(word), self.depth)
    }

    fn words(&self, words: &[ast::Word]) -> Lowered<Vec<Word>> {
        words
            .iter()
            .filter(|word| !matches!(word.value.as_str(), NO_WORDS | SELECT))
            .map(|word| self.word(word))
            .collect()
    }

    fn compound(&self, compound: ast::CompoundCommand) -> Lowered<Compound> {
        Ok(match compound {
            ast::CompoundCommand::BraceGroup(group) => Compound::Group(self.list(group.list)?),
            ast::CompoundCommand::Subshell(subshell) => Compound::Subshell(self.list(subshell.list)?),
            ast::CompoundCommand::ForClause(clause) => {
                let selects = |words: &Vec<ast::Word>| words.first().is_some_and(|word| word.value == SELECT);
                let is_select = clause.values.as_ref().is_some_and(selects);
                if !is_name(&clause.variable_name) {
                    let line = clause.loc.start.line as u32;
                    return Err(SyntaxError::new(line, "Bad for loop variable"));
                }
                let line = clause.loc.start.line as u32;
                let (variable, body) = (clause.variable_name, self.list(clause.body.list)?);
                let words = clause.values.map(|words| self.words(&words)).transpose()?;
                if is_select {
                    Compound::Select { line, variable, words: words.unwrap_or_default(), body }
                } else {
                    Compound::For { line, variable, words, body }
                }
            }
            ast::CompoundCommand::CaseClause(clause) => Compound::Case {
                line: line_of(&clause.value),
                subject: self.word(&clause.value)?,
                arms: clause.cases.into_iter().map(|arm| self.arm(arm)).collect::<Lowered<_>>()?,
            },
            ast::CompoundCommand::IfClause(clause) => self.if_clause(clause)?,
            ast::CompoundCommand::WhileClause(ast::WhileOrUntilClauseCommand(condition, body, _)) => {
                Compound::Loop { until: false, condition: self.list(condition)?, body: self.list(body.list)? }
            }
            ast::CompoundCommand::UntilClause(ast::WhileOrUntilClauseCommand(condition, body, _)) => {
                Compound::Loop { until: true, condition: self.list(condition)?, body: self.list(body.list)? }
            }
            ast::CompoundCommand::Arithmetic(command) => {
                let line = command.loc.start.line as u32;
                let expression = word::expanded_text(&command.expr.value, line, self.depth)?;
                Compound::Arithmetic { line, expression }
            }
            ast::CompoundCommand::ArithmeticForClause(clause) => {
                let line = clause.loc.start.line as u32;
                let part = |part: Option<ast::UnexpandedArithmeticExpr>| {
                    word::expanded_text(&part.map(|part| part.value).unwrap_or_default(), line, self.depth)
                };
                Compound::ArithmeticFor {
                    line,
                    start: part(clause.initializer)?,
                    condition: part(clause.condition)?,
                    step: part(clause.updater)?,
                    body: self.list(clause.body.list)?,
                }
            }
            ast::CompoundCommand::Coprocess(command) => {
                let line = command.loc.start.line as u32;
                let name = command.name.map_or_else(|| "COPROC".to_owned(), |name| name.value);
                Compound::Coprocess { line, name, body: Box::new(self.command(*command.body)?) }
            }
        })
    }

    fn if_clause(&self, clause: ast::IfClauseCommand) -> Lowered<Compound> {
        let mut branches = vec![(self.list(clause.condition)?, self.list(clause.then)?)];
        let mut otherwise = None;
        for part in clause.elses.unwrap_or_default() {
            match part.condition {
                Some(condition) => branches.push((self.list(condition)?, self.list(part.body)?)),
                None => otherwise = Some(self.list(part.body)?),
            }
        }
        Ok(Compound::If { branches, otherwise })
    }

    fn arm(&self, arm: ast::CaseItem) -> Lowered<Arm> {
        Ok(Arm {
            patterns: self.words(&arm.patterns)?,
            body: arm.cmd.map(|list| self.list(list)).transpose()?.unwrap_or_default(),
            then: match arm.post_action {
                ast::CaseItemPostAction::ExitCase => AfterArm::Leave,
                ast::CaseItemPostAction::UnconditionallyExecuteNextCaseItem => AfterArm::FallThrough,
                ast::CaseItemPostAction::ContinueEvaluatingCases => AfterArm::TestNext,
            },
        })
    }

    fn test(&self, expression: ast::ExtendedTestExpr) -> Lowered<Test> {
        Ok(match expression {
            ast::ExtendedTestExpr::And(left, right) => {
                Test::And(Box::new(self.test(*left)?), Box::new(self.test(*right)?))
            }
            ast::ExtendedTestExpr::Or(left, right) => {
                Test::Or(Box::new(self.test(*left)?), Box::new(self.test(*right)?))
            }
            ast::ExtendedTestExpr::Not(inner) => Test::Not(Box::new(self.test(*inner)?)),
            ast::ExtendedTestExpr::Parenthesized(inner) => self.test(*inner)?,
            ast::ExtendedTestExpr::UnaryTest(predicate, word) => {
                Test::Unary(predicate.to_string(), self.word(&word)?)
            }
            ast::ExtendedTestExpr::BinaryTest(predicate, left, right) => {
                let operator = predicate.to_string();
                Test::Binary(operator, self.word(&left)?, self.word(&right)?)
            }
        })
    }

    fn redirects(&self, redirects: Option<ast::RedirectList>) -> Lowered<Vec<Redirect>> {
        let redirects = redirects.map(|list| list.0).unwrap_or_default();
        redirects.into_iter().map(|redirect| self.redirect(redirect)).collect()
    }

    fn redirect(&self, redirect: ast::IoRedirect) -> Lowered<Redirect> {
        let mut lowered = self.numbered_redirect(redirect)?;
        if let Some(index) = lowered.number.and_then(|number| number.checked_sub(FIRST_NAMED_DESCRIPTOR)) {
            lowered.number = None;
            lowered.variable = self.named_descriptors.get(index as usize).cloned();
        }
        Ok(lowered)
    }

    fn numbered_redirect(&self, redirect: ast::IoRedirect) -> Lowered<Redirect> {
        let number = |number: Option<ast::IoFd>| number.and_then(|number| u32::try_from(number).ok());
        Ok(match redirect {
            ast::IoRedirect::File(descriptor, kind, target) => {
                let kind = match kind {
                    ast::IoFileRedirectKind::Read => RedirectKind::Read,
                    ast::IoFileRedirectKind::Write => RedirectKind::Write,
                    ast::IoFileRedirectKind::Append => RedirectKind::Append,
                    ast::IoFileRedirectKind::ReadAndWrite => RedirectKind::ReadWrite,
                    ast::IoFileRedirectKind::Clobber => RedirectKind::Clobber,
                    ast::IoFileRedirectKind::DuplicateInput => RedirectKind::Duplicate { output: false },
                    ast::IoFileRedirectKind::DuplicateOutput => RedirectKind::Duplicate { output: true },
                };
                let target = match target {
                    ast::IoFileRedirectTarget::Filename(word)
                    | ast::IoFileRedirectTarget::Duplicate(word) => self.word(&word)?,
                    ast::IoFileRedirectTarget::Fd(number) => Word::literal(&number.to_string()),
                    ast::IoFileRedirectTarget::ProcessSubstitution(_, command) => {
                        return Err(unsupported(command.loc.start.line as u32, "process substitutions"));
                    }
                };
                Redirect { number: number(descriptor), variable: None, kind, target }
            }
            ast::IoRedirect::HereDocument(descriptor, document) => {
                let target = if document.requires_expansion {
                    word::expanded_text(&document.doc.value, line_of(&document.here_end) + 1, self.depth)?
                } else {
                    Word::literal(&document.doc.value)
                };
                Redirect {
                    number: number(descriptor),
                    variable: None,
                    kind: RedirectKind::HereDocument,
                    target,
                }
            }
            ast::IoRedirect::HereString(descriptor, word) => Redirect {
                number: number(descriptor),
                variable: None,
                kind: RedirectKind::HereString,
                target: self.word(&word)?,
            },
            ast::IoRedirect::OutputAndError(word, append) => {
                let target = self.word(&word)?;
                Redirect { number: None, variable: None, kind: RedirectKind::Both { append }, target }
            }
        })
    }
}

/// A piece of an assignment's value as part of an operand, where it must not be split or matched against file names.
fn protect(piece: Piece) -> Piece {
    match piece {
        Piece::Text(text) => Piece::Quoted(text),
        Piece::Quoted(_) | Piece::DoubleQuoted(_) | Piece::Tilde(_) => piece,
        Piece::Process { .. } | Piece::Array(_) => piece,
        Piece::Parameter(_) | Piece::Command(_) | Piece::Arithmetic(_) => Piece::DoubleQuoted(vec![piece]),
    }
}
