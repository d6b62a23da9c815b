import { expect, it } from 'vitest';
import { VirtualClock } from '../sim/clock.ts';
import { calmLogger } from './calm-logger.ts';

it('what strangers cause fills no log: a few lines, then how many more there were', async () => {
  const clock = new VirtualClock();
  const lines: [string, unknown][] = [];
  const logger = calmLogger({ log: (_level, message, facts) => void lines.push([message, facts]) }, clock);
  for (let at = 0; at < 1000; at++) logger.log('info', 'garbage', { at });
  logger.log('info', 'another', {});
  expect(lines.length).toBe(6);
  await clock.advance(20_000);
  logger.log('info', 'garbage', { at: 'later' });
  expect(lines.slice(6)).toEqual([['garbage', { andMore: 995, inMs: 20_000 }], ['garbage', { at: 'later' }]]);
});
