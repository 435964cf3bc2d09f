// The body of a request. The glue reads it when the guest asks for it. If the guest did not
// take it, the glue reads it to its end, within bounds: a client that sends everything
// first cannot read its response before. Package shared/abi says how.

const TOO_LARGE = "the body is over the limit";
const INCOMPLETE = "the body is incomplete";
const SLOW = "the body came too slowly";
const KEPT = 64 << 10; // bytes of a body that was too large
const STALL_MILLIS = 10_000;
const FLOOR = 1024; // bytes a second

// Pieces of a body: the first is small, for an announced length costs a client
// nothing, and each may be as long as all before it.
const FIRST_PIECE = 16 << 10;
const MAX_PIECE = 64 << 10;

// How much an isolate reads of bodies that nobody wants: of so many at once, so many
// bytes in a row, and so many more each second. workerd keeps a twentieth of what it
// read for long, and a crowd of strangers must not fill the isolate with that.
const MOST_DROPPING = 8;
const DROP_PATIENCE_MILLIS = 30_000; // how long one waits for its turn
const MOST_DROPPED = 400 << 20; // bytes
const DROPPED_PER_SECOND = 64 << 20; // bytes
let dropping = 0;
let dropped = 0; // bytes, less what time gave back
let droppedAt = 0;

// A small body is read before the guest asks for it: then it costs no op. Of so many at once, as the guest counts
// no memory for them.
const EARLY_BYTES = 16 << 10;
const MOST_EARLY = 64;
let early = 0;

const POLL_MILLIS = 20;
const sleep = (millis) => new Promise((wake) => setTimeout(wake, millis));

// mayDrop says whether so many bytes more may be read now of a body that nobody wants.
function mayDrop(bytes) {
  const now = Date.now();
  dropped = Math.max(0, dropped - ((now - droppedAt) * DROPPED_PER_SECOND) / 1000);
  droppedAt = now;
  if (dropped + bytes > MOST_DROPPED) return false;
  dropped += bytes;
  return true;
}

export class Body {
  // early is the outcome of a readEarly that was elsewhere, if there is one.
  constructor(request, early = null) {
    const length = request.headers.get("content-length");
    this.length = length === null ? -1 : Math.min(Number(length), 0x7fffffff); // -1: not announced
    this.stream = request.body;
    this.reader = null;
    this.count = 0; // bytes that were read
    this.left = this.length !== 0 && early === null; // there may be more of it
    this.taken = false;
    this.kept = null; // parts of a body that was too large, for the next take
    this.reading = false;
    this.early = early; // {bytes} or {error}: the outcome of readEarly
  }

  // small says whether readEarly may read the body.
  get small() {
    return this.length > 0 && this.length <= EARLY_BYTES && early < MOST_EARLY;
  }

  // readEarly reads the whole body, for takeEarly. It never fails.
  async readEarly() {
    early++;
    try {
      await this.read(this.length, Infinity, (bytes) => (this.early = { bytes }));
    } catch (error) {
      this.early = { error };
    }
    early--;
  }

  // takeEarly is take after readEarly.
  takeEarly(limit) {
    if (this.taken) throw new Error("the body was taken");
    this.taken = true;
    if (this.length > limit) throw new Error(TOO_LARGE);
    if (this.early.error) throw this.early.error;
    return this.early.bytes;
  }

  // take returns {parts, length}: the whole body, which has at most limit bytes. After the
  // error that one of unknown length has more, it may be called again with a greater limit,
  // if the first was KEPT or less.
  async take(limit) {
    if (this.early !== null) return this.takeEarly(limit);
    if (this.taken && this.kept === null) throw new Error("the body was taken");
    this.taken = true;
    if (this.length > limit) throw new Error(TOO_LARGE);
    const parts = this.kept ?? [];
    this.kept = null;
    await this.read(limit, Infinity, (part) => parts.push(part));
    if (this.count > limit) {
      if (this.length < 0 && limit <= KEPT) this.kept = parts;
      throw new Error(TOO_LARGE);
    }
    return { parts, length: this.count };
  }

  // drop reads what is left, and keeps none of it: about limit bytes at most, for
  // so long. When the isolate drops much it waits meanwhile, and the client with it.
  // The guest has answered, so a take that is under way ends.
  async drop(limit, millis) {
    this.kept = null;
    if (this.reading) return this.reader.cancel(new Error(INCOMPLETE)).catch(() => {});
    const start = Date.now();
    const small = this.length >= 0 && this.length - this.count <= MAX_PIECE; // it waits for nobody
    while (!small && dropping >= MOST_DROPPING) {
      if (Date.now() > start + DROP_PATIENCE_MILLIS) return;
      await sleep(POLL_MILLIS);
    }
    if (!small) dropping++;
    await this.read(this.count + limit, start + millis - Date.now(), null).catch(() => {}); // there is an answer anyway
    if (!small) dropping--;
  }

  // read reads until the end or until more than limit bytes came. It gives what
  // it reads to keep, in full pieces; without keep it uses one piece again.
  async read(limit, millis, keep) {
    if (!this.left) return;
    this.reader ??= this.stream.getReader({ mode: "byob" });
    const watch = this.watch(millis);
    this.reading = true;
    try {
      let bytes = null;
      while (this.left && this.count <= limit) {
        if (keep || bytes === null) bytes = new Uint8Array(keep ? this.pieceLength() : MAX_PIECE);
        while (!keep && !watch.slow && !mayDrop(bytes.length)) {
          await sleep(POLL_MILLIS);
          watch.start += POLL_MILLIS; // the client does not make us wait
          this.last += POLL_MILLIS;
        }
        let filled = 0;
        while (this.left && filled < bytes.length) {
          const { done, value } = await this.reader.read(bytes.subarray(filled));
          bytes = new Uint8Array(value.buffer); // it moved
          if (done) {
            this.left = false;
            if (this.count < this.length) throw new Error(INCOMPLETE);
            break;
          }
          filled += value.length;
          this.count += value.length;
          this.last = Date.now();
          if (this.count === this.length) this.left = false;
        }
        keep?.(bytes.subarray(0, filled));
      }
    } catch {
      this.left = false;
      throw new Error(watch.slow ? SLOW : INCOMPLETE);
    } finally {
      this.reading = false;
      clearTimeout(watch.timer);
    }
  }

  pieceLength() {
    const length = Math.min(Math.max(this.count, FIRST_PIECE), MAX_PIECE);
    return this.length < 0 ? length : Math.min(length, this.length - this.count);
  }

  // watch ends a read that is too slow, or that lasts longer than millis.
  watch(millis) {
    const now = (this.last = Date.now());
    const watch = { slow: false, start: now };
    const before = this.count;
    const check = () => {
      const due = Math.min(
        watch.start + STALL_MILLIS + ((this.count - before) * 1000) / FLOOR, this.last + STALL_MILLIS, now + millis,
      );
      const wait = due - Date.now();
      if (wait > 0) {
        watch.timer = setTimeout(check, wait);
      } else {
        watch.slow = true;
        this.reader.cancel(new Error(SLOW)).catch(() => {}); // it is broken anyway
      }
    };
    check();
    return watch;
  }
}
