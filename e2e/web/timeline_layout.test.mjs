// The layout of the demo's timeline: which rows it has, where bars, arrows and ticks are, and what it says. It needs no
// browser: Node 22 runs the modules as they are.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { everyDay, workdays } from "../../web/src/projects/timeline/calendar.ts";
import { datesOf, nameOf, stateOf } from "../../web/src/projects/timeline/describe.ts";
import { dayOf, format, parseDay, weekday } from "../../web/src/projects/timeline/days.ts";
import { arrowPath, arrowsOf, barOf, stepOf, windowOf } from "../../web/src/projects/timeline/layout.ts";
import { planOf } from "../../web/src/projects/timeline/plan.ts";
import { dayAt, scaleOf, shadesOf, ticksOf, xOf } from "../../web/src/projects/timeline/scale.ts";

const day = parseDay;
const monday = day("2026-03-02");
const week = { workingDays: "[1,2,3,4,5]", exceptions: "[]" };

const task = (id, start = null, days = null, more = {}) =>
  ({ id, name: id, status: "not_started", percentComplete: 0, plannedStart: start, durationDays: days, parentId: null, isMilestone: false, ...more });
const dependency = (predecessorId, successorId, type = "FS", lagDays = 0) =>
  ({ id: `${predecessorId}-${successorId}`, predecessorId, successorId, type, lagDays });
const plan = (tasks, dependencies = [], calendar = everyDay) => planOf(tasks, dependencies, calendar);
const only = (...args) => plan([task("a", ...args)]).rows[0];
const shape = ({ rows }) => rows.map(({ task: { id }, depth }) => `${"-".repeat(depth)}${id}`);

describe("days", () => {
  test("a date is a day only if there is such a date", () => {
    assert.equal(day("1970-01-02"), 1);
    assert.equal(day("2026-03-01") - day("2026-02-28"), 1);
    assert.equal(day("2028-03-01") - day("2028-02-28"), 2);
    for (const text of ["2026-02-30", "2026-13-01", "2026-3-1", "", "soon", "2026-03-02T00:00"]) assert.equal(day(text), null, text);
    assert.notEqual(day("0001-01-01"), null);
    assert.notEqual(day("9999-12-31"), null);
  });

  test("weekdays are those of ISO, before 1970 too", () => {
    assert.deepEqual(["2026-03-02", "2026-03-08", "1969-12-29", "1969-12-28"].map((date) => weekday(day(date))), [1, 7, 1, 7]);
  });

  test("today is the day that the clock on the wall shows", () => {
    assert.equal(dayOf(new Date(2026, 2, 2, 0, 1)), monday);
    assert.equal(dayOf(new Date(2026, 2, 2, 23, 59)), monday);
  });
});

describe("working days", () => {
  const calendar = workdays({ ...week, exceptions: '["2026-03-05","2026-03-07"]' }); // a Thursday, and a Saturday

  test("a duration counts the calendar's working days", () => {
    for (const [days, end] of [[0.5, monday + 0.5], [1, monday + 1], [3, monday + 3], [3.5, monday + 4.5], [4, monday + 5], [5, monday + 8], [9, monday + 12]]) {
      assert.equal(calendar.end(monday, days), end, `${days} days`);
    }
    assert.equal(calendar.end(day("2026-03-07"), 1), day("2026-03-10"), "from a Saturday");
  });

  test("the end is the one that counting day by day finds, also over decades", () => {
    for (const [start, days] of [[monday, 700], [monday - 20_000, 9_999], [monday + 5, 36_500]]) {
      let [end, left] = [start, days];
      for (; left > 0; end++) if (calendar.works(end)) left--;
      assert.equal(calendar.end(start, days), end);
    }
  });

  test("a year off makes a task that much longer", () => {
    const off = Array.from({ length: 365 }, (_, i) => new Date(Date.UTC(2026, 2, 3 + i)).toISOString().slice(0, 10));
    assert.equal(workdays({ ...week, exceptions: JSON.stringify(off) }).end(monday, 2), monday + 367); // to Wednesday, 3 March 2027
  });

  test("exceptions are days off", () => {
    assert.deepEqual([0, 1, 2, 3, 4, 5, 6].filter((i) => calendar.works(monday + i)), [0, 1, 2, 4]);
  });

  test("without a calendar, or one that says nothing, every day counts", () => {
    for (const calendar of [undefined, { workingDays: null, exceptions: null }, { ...week, workingDays: "[]" }, { ...week, workingDays: "{" }, { ...week, workingDays: '["x",9]' }]) {
      assert.equal(workdays(calendar).end(monday, 7), monday + 7);
      assert.ok(workdays(calendar).works(monday + 5));
    }
  });
});

describe("the plan", () => {
  test("subtasks follow their task, in the order of the list", () => {
    const tasks = [task("a"), task("b1", null, null, { parentId: "b" }), task("b"), task("c"), task("b2", null, null, { parentId: "b" }), task("b11", null, null, { parentId: "b1" })];
    assert.deepEqual(shape(plan(tasks)), ["a", "b", "-b1", "--b11", "-b2", "c"]);
  });

  test("a circle of parents, and a parent that is not there, lose no task", () => {
    const tasks = [task("a", null, null, { parentId: "b" }), task("b", null, null, { parentId: "a" }), task("c", null, null, { parentId: "gone" }), task("d", null, null, { parentId: "d" })];
    assert.deepEqual(shape(plan(tasks)), ["c", "a", "-b", "d"]);
  });

  test("a task is drawn by what its dates say", () => {
    const seen = (...args) => (({ kind, span }) => [kind, span && [span.start - monday, span.end - monday]])(only(...args));
    assert.deepEqual(seen("2026-03-02", 5), ["bar", [0, 5]]);
    assert.deepEqual(seen("2026-03-02", 0.5), ["bar", [0, 0.5]]);
    assert.deepEqual(seen("2026-03-02", null), ["open", [0, 1]]);
    assert.deepEqual(seen("2026-03-02", 0), ["open", [0, 1]]);
    assert.deepEqual(seen("2026-03-02", 5, { isMilestone: true }), ["milestone", [0, 1]]);
    assert.deepEqual(seen("2026-03-02", -3), ["wrong", [-3, 0]]);
    assert.deepEqual(seen("2026-02-30", 5), ["wrong", null]);
    assert.deepEqual(seen(null, 5), ["none", null]);
    assert.deepEqual(seen(null, null, { isMilestone: true }), ["none", null]);
  });

  test("a task without dates spans its subtasks, on all levels", () => {
    const { rows } = plan([
      task("a"), task("a1", null, null, { parentId: "a" }), task("a11", "2026-03-04", 2, { parentId: "a1" }), task("a2", "2026-03-02", 1, { parentId: "a" }),
      task("b"), task("b1", null, null, { parentId: "b" }), task("c", "2026-04-01", 1), task("c1", "2026-05-01", 1, { parentId: "c" }),
    ]);
    const spans = Object.fromEntries(rows.map(({ task: { id }, kind, span }) => [id, [kind, span && span.start - monday, span && span.end - monday]]));
    assert.deepEqual(spans["a"], ["summary", 0, 4]);
    assert.deepEqual(spans["a1"], ["summary", 2, 4]);
    assert.deepEqual(spans["b"], ["none", null, null]);
    assert.deepEqual(spans["c"], ["bar", 30, 31], "dates of its own stay");
  });

  test("the range covers all spans; an empty project has none", () => {
    assert.deepEqual(plan([task("a", "2026-03-02", 2), task("b"), task("c", "2026-03-10", 1)]).range, { start: monday, end: monday + 9 });
    assert.equal(plan([task("a")]).range, null);
    assert.deepEqual(plan([]), { rows: [], links: [], range: null });
  });

  test("a dependency needs two tasks; circles stay as they are", () => {
    const dependencies = [dependency("a", "b"), dependency("b", "a", "SS"), dependency("a", "a"), dependency("a", "gone"), dependency("gone", "b")];
    assert.deepEqual(plan([task("a"), task("b")], dependencies).links.map(({ id, from, to }) => [id, from, to]), [["a-b", 0, 1], ["b-a", 1, 0]]);
  });
});

describe("the scale", () => {
  const view = { width: 800, right: 100 };
  const range = (days, start = monday) => ({ start, end: start + days });

  test("a project fits into the view, and its days are at most 40 pixels wide", () => {
    const scale = scaleOf(range(30), monday, "fit", view);
    assert.equal(scale.right - scale.left, 800);
    assert.equal(xOf(scale, monday + 30) + 16 + 100, scale.right);
    assert.equal(scaleOf(range(2), monday, "fit", view).pixelsPerDay, 40);
  });

  test("a long project gets a sheet that scrolls, at most 4 million pixels wide", () => {
    for (const [days, zoom, least, most] of [[365, "fit", 1095, 1300], [365, "days", 11_680, 11_900], [3_650_000, "fit", 365_000, 365_200], [3_650_000, "days", 3_999_999, 4_000_200]]) {
      const { left, right } = scaleOf(range(days), monday, zoom, view);
      assert.ok(right - left >= least && right - left <= most, `${days} days by ${zoom}: ${right - left}`);
    }
    const narrow = scaleOf(range(30), monday, "fit", { width: 250, right: 0 });
    assert.equal(narrow.pixelsPerDay, 12);
  });

  test("a position stays when the project grows at its beginning", () => {
    const [before, after] = [range(30), range(40, monday - 10)].map((range) => scaleOf(range, monday + 3, "weeks", view));
    assert.equal(xOf(before, monday + 7), xOf(after, monday + 7));
    assert.equal(dayAt(after, xOf(before, monday + 7)), monday + 7);
    assert.equal(before.left - after.left, 100);
  });

  test("it shows today if that is near, and a month from today without any date", () => {
    const shows = (range, day) => (({ left, right }) => left <= 0 && right > 0)(scaleOf(range, day, "fit", { width: 100, right: 0 }));
    assert.ok(shows(range(10), monday - 14));
    assert.ok(!shows(range(10), monday - 15));
    assert.ok(shows(range(10), monday + 24));
    assert.ok(!shows(range(10), monday + 25));
    assert.ok(shows(null, monday));
  });

  test("ticks are days, weeks, months or years, whichever the width allows", () => {
    const labels = (days, pixelsPerDay, count) => {
      const scale = { today: monday, pixelsPerDay, left: 0, right: days * pixelsPerDay };
      const { minor, major } = ticksOf(scale, 0, scale.right);
      return [minor.slice(0, count).map(({ label }) => label).join(" "), minor.length, major.map(({ label }) => label).join(", ")];
    };
    assert.deepEqual(labels(31, 32, 3), ["2 3 4", 31, "March 2026, April 2026"]);
    assert.deepEqual(labels(31, 10, 3), ["2 9 16", 5, "March 2026, April 2026"]);
    assert.deepEqual(labels(366, 3, 3), ["Mar Apr May", 13, "2026, 2027"]);
    assert.deepEqual(labels(366, 0.75, 3), ["Jan Apr Jul", 5, "2026, 2027"]);
    assert.deepEqual(labels(3660, 0.15, 3), ["2026 2027 2028", 11, ""]);
    assert.deepEqual(labels(36_600, 0.01, 3), ["2000 2050 2100", 3, ""]);
  });

  test("a tick is at the beginning of its day, and only those of the window are made", () => {
    const scale = scaleOf(range(365), monday, "days", view);
    const { minor } = ticksOf(scale, 320, 640);
    assert.deepEqual(minor.map(({ x }) => x), Array.from({ length: 10 }, (_, i) => 320 + 32 * i));
    const weeks = ticksOf(scaleOf(range(365), monday + 2, "weeks", view), 0, 200).minor;
    assert.deepEqual(weeks.map(({ x }) => x), [-20, 50, 120, 190], "Mondays");
  });

  test("days off are shaded in runs, unless days are too narrow", () => {
    const calendar = workdays({ ...week, exceptions: '["2026-03-06"]' });
    const scale = { today: monday, pixelsPerDay: 10, left: 0, right: 140 };
    assert.deepEqual(shadesOf(scale, calendar, 0, 140), [{ x: 40, width: 30 }, { x: 120, width: 20 }]);
    assert.deepEqual(shadesOf(scale, everyDay, 0, 140), []);
    assert.deepEqual(shadesOf({ ...scale, pixelsPerDay: 2 }, calendar, 0, 140), []);
  });
});

describe("bars and arrows", () => {
  const scale = { today: monday, pixelsPerDay: 10, left: 0, right: 1000 };

  test("a bar goes from its start to its end; a short one is still seen", () => {
    assert.deepEqual(barOf(only("2026-03-03", 5), scale), { x: 10, width: 50 });
    assert.deepEqual(barOf(only("2026-03-03", 0.1), scale), { x: 10, width: 4 });
    assert.deepEqual(barOf(only("2026-03-03", 5, { isMilestone: true }), scale), { x: 15, width: 0 });
    assert.equal(barOf(only(null, 5), scale), null);
  });

  // The corners of the path, as numbers: x1 y1, first vertical, y between, last vertical, y2, x2.
  const corners = (...args) => arrowPath(...args).match(/^M(\S+) (\S+)H(\S+)V(\S+)H(\S+)V(\S+)H(\S+)$/).slice(1).map(Number);

  test("an arrow leaves and enters at the ends that its type names", () => {
    const links = (type) => plan([task("a", "2026-03-02", 3), task("b", "2026-03-12", 4)], [dependency("a", "b", type)]);
    const ends = (type) => {
      const [{ path }] = arrowsOf(links(type), scale, 20, 10, { first: 0, end: 2 });
      const [x1, y1, first, , last, y2, x2] = path.match(/-?[\d.]+/g).map(Number);
      return [x1, x2, Math.sign(first - x1), Math.sign(last - x2), y1, y2];
    };
    assert.deepEqual(ends("FS"), [30, 100, 1, -1, 10, 30]);
    assert.deepEqual(ends("SS"), [0, 100, -1, -1, 10, 30]);
    assert.deepEqual(ends("FF"), [30, 140, 1, 1, 10, 30]);
    assert.deepEqual(ends("SF"), [0, 140, -1, 1, 10, 30]);
  });

  test("an arrow bends once if there is space, and goes between the rows otherwise", () => {
    assert.deepEqual(corners({ x: 30, y: 10 }, 1, { x: 100, y: 30 }, -1, 20), [30, 10, 39, 30, 39, 30, 100]);
    assert.deepEqual(corners({ x: 100, y: 10 }, 1, { x: 30, y: 50 }, -1, 40), [100, 10, 109, 40, 21, 50, 30]);
    assert.deepEqual(corners({ x: 30, y: 10 }, 1, { x: 90, y: 30 }, 1, 20), [30, 10, 99, 30, 99, 30, 90], "FF");
    assert.deepEqual(corners({ x: 30, y: 10 }, -1, { x: 90, y: 30 }, 1, 20), [30, 10, 21, 20, 99, 30, 90], "SF");
  });

  test("between two rows means the edge of the successor's row that the arrow comes from", () => {
    const both = plan([task("a", "2026-03-12", 4), task("b", "2026-03-02", 3), task("c", "2026-03-12", 4)], [dependency("a", "b"), dependency("c", "b")]);
    const edges = arrowsOf(both, scale, 46, 32, { first: 0, end: 3 }).map(({ path }) => Number(/V(\d+)/.exec(path)[1]));
    assert.deepEqual(edges, [46, 92]);
  });

  test("a milestone's arrows begin beside its diamond; a task without a place has none", () => {
    const milestone = plan([task("a", "2026-03-02", null, { isMilestone: true }), task("b", "2026-03-12", 4), task("c")], [dependency("a", "b"), dependency("a", "c")]);
    const arrows = arrowsOf(milestone, scale, 20, 10, { first: 0, end: 3 });
    assert.deepEqual(arrows.map(({ path }) => path.split("H")[0]), ["M12 10"]);
  });

  test("only the arrows that cross the window are drawn", () => {
    const tasks = ["a", "b", "c", "d"].map((id) => task(id, "2026-03-02", 2));
    const chain = plan(tasks, [dependency("a", "b"), dependency("a", "d"), dependency("d", "c")]);
    const drawn = (first, end) => arrowsOf(chain, scale, 20, 10, { first, end }).map(({ link }) => link.id);
    assert.deepEqual(drawn(0, 1), ["a-b", "a-d"]);
    assert.deepEqual(drawn(2, 3), ["a-d", "d-c"]);
    assert.deepEqual(drawn(1, 2), ["a-b", "a-d"]);
  });
});

describe("the window and the keys", () => {
  test("a window has the rows in view, and a few around them", () => {
    assert.deepEqual(windowOf(1000, 30, 3000, 300), { first: 96, end: 114 });
    assert.deepEqual(windowOf(1000, 30, 0, 300), { first: 0, end: 14 });
    assert.deepEqual(windowOf(3, 30, 0, 300), { first: 0, end: 3 });
    assert.deepEqual(windowOf(3, 30, 3000, 300), { first: 3, end: 3 }, "others deleted tasks");
  });

  test("keys go from task to task, and stop at the first and the last", () => {
    const go = (key, index) => stepOf(key, index, 100, 10);
    assert.deepEqual(["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"].map((key) => go(key, 50)), [51, 49, 60, 40, 0, 99]);
    assert.deepEqual([go("ArrowUp", 0), go("ArrowDown", 99), go("PageDown", 95)], [0, 99, 99]);
    assert.equal(go("a", 50), null);
    assert.equal(go("ArrowRight", 50), null, "scrolls the time");
  });
});

describe("the names", () => {
  test("a name says task, dates, state and predecessors", () => {
    const all = plan(
      [task("Draw", "2026-03-02", 5, { status: "in_progress", percentComplete: 40 }), task("Buy", "2026-03-02", 1, { status: "done", percentComplete: 100 }), task("Build", "2026-03-09", 1)],
      [dependency("Draw", "Build"), dependency("Buy", "Build", "SS", -2), dependency("Draw", "Buy", "FF", 1)],
    );
    assert.equal(nameOf(all, 0), "Draw. 2 Mar 2026 to 6 Mar 2026, 5 days. In progress, 40 %.");
    assert.equal(nameOf(all, 1), "Buy. 2 Mar 2026 to 2 Mar 2026, 1 day. Done. It ends with Draw, 1 day later.");
    assert.equal(nameOf(all, 2), "Build. 9 Mar 2026 to 9 Mar 2026, 1 day. Not started. It starts after the end of Draw. It starts with Buy, 2 days earlier.");
  });

  test("dates that are missing or wrong are said", () => {
    const dates = [["2026-03-02", null], ["2026-03-02", -3], ["2026-02-30", 1], [null, 2], [null, null], ["2026-03-02", 0.5]].map((args) => datesOf(only(...args)));
    assert.deepEqual(dates, [
      "Starts 2 Mar 2026, without a duration", "Wrong dates: it ends 3 days before its start on 2 Mar 2026", "Wrong date: 2026-02-30", "No start, 2 days", "No dates", "2 Mar 2026 to 2 Mar 2026, 0.5 days",
    ]);
    assert.equal(datesOf(only("2026-03-02", 1, { isMilestone: true })), "Milestone on 2 Mar 2026");
    assert.equal(datesOf(plan([task("a"), task("b", "2026-03-02", 2, { parentId: "a" })]).rows[0]), "Subtasks from 2 Mar 2026 to 3 Mar 2026");
    assert.equal(format(day("0050-01-01")).endsWith("50"), true);
  });

  test("a state that a newer server knows is said as it is", () => {
    assert.equal(stateOf(only("2026-03-02", 1, { status: "paused", percentComplete: 10 })), "paused, 10 %");
    assert.equal(stateOf(only("2026-03-02", 1, { status: "blocked" })), "Blocked, 0 %");
  });
});

test("1,000 tasks with 2,000 dependencies are laid out without a search in all tasks for each", () => {
  let reads = 0;
  const count = 1000;
  const tasks = Array.from({ length: count }, (_, i) => Object.defineProperty(task(`t${i}`, "2026-03-02", 1 + (i % 9)), "id", { get: () => (reads++, `t${i}`), enumerable: true }));
  const dependencies = Array.from({ length: 2 * count }, (_, i) => dependency(`t${i % (count - 2)}`, `t${(i % (count - 2)) + 1 + Math.floor(i / count)}`));
  const all = plan(tasks, dependencies, workdays(week));
  assert.equal(all.rows.length, count);
  assert.ok(reads < 20 * count, `${reads} reads of ids`);
});
