//! The screen over a real engine, with a target that does what it is told.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use connectors::CATALOGUE;
use crossterm::event::KeyCode;
use domain::{
    Configuration, Confirmation, Confirmed, Connector, ConnectorRef, Connectors, ExchangeId,
    Failure, Health, Lab, LabEntry, LabError, LabFault, LabFeed, LabMock, LabObject, MatchKey,
    Order as Job, RemoteAccount, RemoteId, SystemClock, Tap, Unavailable,
};
use engine::{Engine, Options};
use tokio::sync::mpsc;

use super::Stage;
use crate::frame::Link;
use crate::hands::Hands;
use crate::samples;
use crate::screen::Order;
use crate::theme::{Surroundings, ThemeName};
use crate::wish::{Deed, Happening};
use crate::work::{Each, Whom};
use crate::world::World;
use crate::{LogBook, Setup, View};

/// A target that takes everything.
struct Willing;

#[async_trait]
impl Connector for Willing {
    async fn carry_out(&self, order: &Job<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        let mut exchange = samples::exchange(None, 0);
        exchange.id = ExchangeId(uuid::Uuid::from_u128(order.operation.0.as_u128() + 1));
        exchange.error = None;
        tap.started(&exchange);
        let answered = samples::exchange(Some(201), 3);
        exchange.response = answered.response;
        exchange.took = answered.took;
        tap.finished(exchange);
        Ok(Confirmed {
            what: Confirmation::Created,
            remote_id: RemoteId(format!("remote-{}", order.operation)),
            remote_name: order.desired.remote_name.clone(),
            written: order.desired.values(),
        })
    }

    async fn find(
        &self,
        _key: &MatchKey,
        _tap: &dyn Tap,
    ) -> Result<Option<RemoteAccount>, Failure> {
        Ok(None)
    }

    async fn check(&self, _tap: &dyn Tap) -> Result<Health, Failure> {
        Ok(Health {
            findings: Vec::new(),
        })
    }
}

struct AllWilling;

impl Connectors for AllWilling {
    fn build(
        &self,
        _: &Configuration,
        _: &ConnectorRef,
    ) -> Result<Arc<dyn Connector>, Unavailable> {
        Ok(Arc::new(Willing))
    }
}

struct NoLab;

struct NoFeed;

#[async_trait]
impl LabFeed for NoFeed {
    async fn next(&mut self) -> Option<Arc<LabEntry>> {
        None
    }
}

fn none<T>() -> Result<T, LabError> {
    Err(LabError::new("there are no mocks here"))
}

#[async_trait]
impl Lab for NoLab {
    fn mocks(&self) -> Vec<LabMock> {
        Vec::new()
    }
    async fn start(&self, _: &str) -> Result<String, LabError> {
        none()
    }
    async fn stop(&self, _: &str) -> Result<(), LabError> {
        none()
    }
    fn faults(&self) -> Vec<LabFault> {
        Vec::new()
    }
    fn arm(&self, _: &str, _: &str) -> Result<u64, LabError> {
        none()
    }
    fn disarm(&self, _: &str, _: Option<u64>) -> Result<usize, LabError> {
        none()
    }
    fn objects(&self, _: &str) -> Result<Vec<LabObject>, LabError> {
        none()
    }
    fn log(&self, _: &str, _: u64) -> Result<Vec<Arc<LabEntry>>, LabError> {
        none()
    }
    fn follow(&self) -> Box<dyn LabFeed> {
        Box::new(NoFeed)
    }
    fn reset(&self, _: &str) -> Result<(), LabError> {
        none()
    }
    fn wear(&self, _: &str, _: &str) -> Result<(), LabError> {
        none()
    }
    fn snapshot(&self, _: &str, _: &str) -> Result<(), LabError> {
        none()
    }
    fn restore(&self, _: &str, _: &str) -> Result<(), LabError> {
        none()
    }
}

/// The screen with its hands, and without a terminal.
struct Live {
    stage: Stage,
    hands: Hands,
    answers: mpsc::UnboundedReceiver<Happening>,
    news: engine::Subscription,
    engine: Engine,
}

impl Live {
    async fn open() -> Self {
        let stage = Stage::new(ThemeName::Dark, (160, 50));
        let World { file, running, .. } = &stage.screen.world;
        let clock: Arc<dyn domain::Clock> = Arc::new(SystemClock::default());
        let engine = Engine::start(Options {
            configuration: Arc::clone(running),
            catalogue: CATALOGUE,
            connectors: Arc::new(AllWilling),
            clock: Arc::clone(&clock),
            journal: journal(stage.folder.path()),
            seed: 1,
            sends: true,
        })
        .await
        .unwrap();
        let (sender, answers) = mpsc::unbounded_channel();
        let setup = Setup {
            seat: Arc::new(engine.clone()),
            reader: engine.reader(),
            lab: Arc::new(NoLab),
            link: Link::Quick,
            log: LogBook::default(),
            record: None,
            notes: Vec::new(),
        };
        let view = View {
            file: file.clone(),
            configuration: Arc::clone(running),
            catalogue: CATALOGUE,
            clock,
            exports: stage.screen.world.exports,
            theme: ThemeName::Dark,
            surroundings: Surroundings::default(),
            may_replay: false,
            seed: 1,
        };
        let hands = Hands::new(setup, &view, sender);
        let news = hands.subscribe();
        let mut live = Self {
            stage,
            hands,
            answers,
            news,
            engine,
        };
        let first = live.stage.screen.begin();
        live.carry_out(first);
        live
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Ask(query) => self.hands.ask(query),
                Order::Do(deed @ (Deed::Quit | Deed::Suspend | Deed::Repaint)) => {
                    panic!("{deed:?} was not asked for")
                }
                Order::Do(deed) => self.hands.act(deed, self.stage.screen.world.draft.as_ref()),
            }
        }
    }

    fn press(&mut self, code: KeyCode) {
        let orders = self
            .stage
            .screen
            .update(Happening::Key(crate::keymap::Key::of(code)));
        self.carry_out(orders);
    }

    fn ctrl(&mut self, letter: char) {
        let orders = self
            .stage
            .screen
            .update(Happening::Key(crate::keymap::Key::ctrl(letter)));
        self.carry_out(orders);
    }

    /// Lets things happen until the screen shows a text.
    async fn until(&mut self, wanted: &str) {
        while !self.stage.text().contains(wanted) {
            let happening = tokio::select! {
                Some(answer) = self.answers.recv() => answer,
                Some(news) = self.news.next() => Happening::News(vec![news]),
            };
            let orders = self.stage.screen.update(happening);
            self.carry_out(orders);
        }
    }
}

fn journal(folder: &Path) -> std::path::PathBuf {
    folder.join("outbound.db")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_keys_and_a_user_is_at_the_target_with_its_why() {
    let mut live = Live::open().await;
    live.press(KeyCode::Char('t'));
    live.press(KeyCode::Enter);
    live.until("corp-scim/scim2  create").await;
    live.press(KeyCode::Enter);
    live.until("confirmed by the target: created").await;
    live.until("201").await;
    live.press(KeyCode::Esc);
    live.press(KeyCode::Char('3'));
    live.until("remote-").await;
    live.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_shows_whom_it_concerns_writes_one_line_and_the_engine_takes_it() {
    let mut live = Live::open().await;
    live.press(KeyCode::Char('t'));
    live.press(KeyCode::Enter);
    live.until("corp-scim/scim2  create").await;
    live.press(KeyCode::Enter);
    live.until("confirmed by the target: created").await;
    live.press(KeyCode::Esc);
    for code in ['1', 'j', 'j', ' '] {
        live.press(KeyCode::Char(code));
    }
    live.ctrl('s');
    live.until("Who is affected").await;
    let text = live.stage.text();
    assert!(text.contains("corp-scim/scim2"), "{text}");
    assert!(
        text.contains("!1 stay, not kept up to date any more"),
        "{text}"
    );
    live.press(KeyCode::Enter);
    live.until("Updated").await;
    let last = "description = \"Any application that speaks SCIM 2.0; users and groups\"\n";
    let disabled = format!("{last}enabled = false\n");
    let written = samples::TOML.replacen(last, &disabled, 1);
    assert_eq!(live.stage.file(), written);

    // The toggle of a connector is written at once, as the Console does it.
    live.press(KeyCode::Enter);
    for code in [']', ']', ' '] {
        live.press(KeyCode::Char(code));
    }
    live.until(": saved ").await;
    let connector = "  enabled = true\n  authentication_mode = \"bearer\"";
    let toggled = connector.replacen("true", "false", 1);
    assert_eq!(
        live.stage.file(),
        written.replacen(connector, &toggled, 1),
        "one line"
    );
    assert!(live.stage.screen.world.draft.is_none());
    live.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_imported_with_a_report_and_its_users_are_triggered_in_bulk() {
    let mut live = Live::open().await;
    let file = live.stage.folder.path().join("users.csv");
    let rows = "userName,givenname,lastname,emailaddress\n\
                kim,Kim,Ng,kim@acme.example\nada,Ada,Lee,ada@acme.example\nMARS/bob,Bob,Ode,bob@acme.example\n";
    std::fs::write(&file, rows).unwrap();
    live.press(KeyCode::Char('3'));
    live.press(KeyCode::Char('i'));
    let folder = live.stage.folder.path().display().to_string();
    let orders = live.stage.screen.update(Happening::Paste(folder));
    live.carry_out(orders);
    live.press(KeyCode::Tab);
    live.press(KeyCode::Enter);
    // The form stays with the reason, and only the end of the path is missing.
    live.until("it is a folder").await;
    for letter in "/users.csv".chars() {
        live.press(KeyCode::Char(letter));
    }
    live.press(KeyCode::Tab);
    live.press(KeyCode::Enter);
    live.until("row 3 (MARS/bob)").await;
    let text = live.stage.text();
    assert!(
        text.contains("2 created, 0 were there already, 1 failed"),
        "{text}"
    );
    // The report is closed, and what failed was seen.
    live.press(KeyCode::Esc);
    live.press(KeyCode::Esc);
    live.until("2 users").await;
    live.press(KeyCode::Char('B'));
    for _ in 0..2 {
        live.press(KeyCode::Right);
    }
    live.press(KeyCode::Tab);
    for letter in "title=Chief".chars() {
        live.press(KeyCode::Char(letter));
    }
    live.ctrl('s');
    live.until("Trigger for many?").await;
    live.press(KeyCode::BackTab);
    live.press(KeyCode::Enter);
    live.until("Change claims for 2 users: 2 of 2: 2 made")
        .await;
    // No time passes here: it is seen.
    live.press(KeyCode::Esc);
    // All that match are read from the journal, page by page, whatever the screen has read.
    let all = Deed::Bulk {
        what: "all that match".to_owned(),
        each: Each::Update(domain::Claims::from([(
            domain::Claim::new("title"),
            vec!["Dr".to_owned()],
        )])),
        whom: Whom::All {
            search: "ad".to_owned(),
            count: 1,
        },
    };
    live.carry_out(vec![Order::Do(all)]);
    live.until("all that match: 1 of 1: 1 made").await;
    let ada = live.engine.reader().user(&"ada".into()).unwrap().unwrap();
    assert_eq!(ada.claims[&domain::Claim::new("title")], ["Dr"]);
    live.engine.shutdown().await;
}
