import { describe, expect, it } from 'vitest';
import { FrameReader } from '../../core/wire/index.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { PeerFrame, decodeNumber } from './frames.ts';
import { Pulse, Watch } from './pulse.ts';

/** A connection as its dialer has it; the other end is the test. */
class Line {
  readonly clock = new VirtualClock();
  readonly asked: number[] = [];
  diedAt: number | undefined;
  /** What the other end does when it is asked. */
  onAsked: () => void = () => undefined;
  readonly #frames = new FrameReader(1 << 10);
  readonly pulse = new Pulse(this.clock, this, () => (this.diedAt = this.clock.now()));

  write(bytes: Uint8Array): boolean {
    for (const { type, body } of this.#frames.push(bytes)) {
      expect(type).toBe(PeerFrame.ping);
      this.asked.push(decodeNumber(body));
      this.clock.after(1, () => this.onAsked());
    }
    return true;
  }

  answer(): void {
    this.pulse.heard();
  }
}

describe('the pulse of a connection', () => {
  it('is asked for while nothing is heard, and goes on as long as it is answered', async () => {
    const line = new Line();
    line.onAsked = () => line.answer();
    await line.clock.advance(60_000);
    expect(line.diedAt).toBeUndefined();
    expect(line.asked.length).toBeGreaterThan(20);
    expect(line.asked.slice(0, 3)).toEqual([1, 2, 3]);
    line.pulse.stop();
    const { length } = line.asked;
    await line.clock.advance(10_000);
    expect(line.asked).toHaveLength(length);
  });

  it('is dead after five questions that nothing followed, once', async () => {
    const line = new Line();
    line.onAsked = () => line.answer();
    await line.clock.advance(10_500);
    line.onAsked = () => undefined;
    const { length } = line.asked;
    await line.clock.advance(5000);
    expect(line.diedAt).toBeUndefined();
    await line.clock.advance(60_000);
    expect(line.diedAt).toBeLessThan(18_000);
    expect(line.asked).toHaveLength(length + 5);
  });

  it('is missed in one that never said a word', async () => {
    const line = new Line();
    await line.clock.advance(10_000);
    expect(line.diedAt).toBe(5000);
  });

  it('is in anything that comes: who sends all the time is not even asked', async () => {
    const line = new Line();
    line.answer();
    for (let n = 0; n < 200; n++) {
      line.pulse.heard();
      await line.clock.advance(500);
    }
    expect(line.diedAt).toBeUndefined();
    expect(line.asked).toEqual([1]);
  });

  it('is not missed for a pause of our own, however long: it costs one beat', async () => {
    const line = new Line();
    line.onAsked = () => line.answer();
    await line.clock.advance(10_000);
    // The clock of a process that stands still: its timer is due, and what came meanwhile is read behind it.
    let paused: (() => void) | undefined;
    const after = line.clock.after.bind(line.clock);
    line.clock.after = (ms, callback) => after(ms, () => (isPaused ? void (paused = callback) : callback()));
    let isPaused = false;
    await line.clock.advance(2000);
    isPaused = true;
    line.onAsked = () => undefined;
    await line.clock.advance(60_000);
    isPaused = false;
    paused?.();
    expect(line.diedAt).toBeUndefined();
    line.answer();
    line.onAsked = () => line.answer();
    await line.clock.advance(20_000);
    expect(line.diedAt).toBeUndefined();
  });
});

describe('who accepted a connection', () => {
  function watched(): { readonly clock: VirtualClock; readonly watch: Watch; readonly said: number[]; readonly died: number[] } {
    const clock = new VirtualClock();
    const [said, died]: [number[], number[]] = [[], []];
    return { clock, said, died, watch: new Watch(clock, (number) => void said.push(number), () => void died.push(clock.now())) };
  }

  it('answers, and says unasked that it lives while bytes come: a question waits behind them on a slow line', async () => {
    const { clock, watch, said } = watched();
    watch.heard();
    watch.asked(1);
    for (let n = 0; n < 50; n++) {
      await clock.advance(100);
      watch.heard();
    }
    expect(said).toEqual([1, 0, 0, 0, 0, 0]);
    watch.asked(2);
    expect(said).toEqual([1, 0, 0, 0, 0, 0, 2]);
  });

  it('lets go of one whose dialer asked, and fell silent for a minute', async () => {
    const { clock, watch, died } = watched();
    watch.asked(1);
    for (let n = 0; n < 20; n++) {
      watch.heard();
      watch.asked(1);
      await clock.advance(9000);
    }
    expect(died).toEqual([]);
    await clock.advance(600_000);
    expect(died).toHaveLength(1);
    expect(died[0]! - 180_000).toBeGreaterThanOrEqual(50_000);
    expect(died[0]! - 180_000).toBeLessThan(80_000);
  });

  it('keeps one whose dialer never asks, and forgets one that is over', async () => {
    const older = watched();
    await older.clock.advance(600_000);
    const over = watched();
    over.watch.asked(1);
    over.watch.stop();
    // Read late, behind a birth that was being recorded.
    over.watch.asked(1);
    await over.clock.advance(600_000);
    expect([older.died, over.died]).toEqual([[], []]);
  });
});
