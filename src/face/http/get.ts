// One small GET, for those who watch members from outside.

import { get } from 'node:http';

const bodyBytesMax = 1 << 20;

/** The body of a 200 answer; rejects on anything else. */
export function readHttp(endpoint: string, path: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(`http://${endpoint}${path}`, { timeout: timeoutMs, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > bodyBytesMax) request.destroy(new Error('the answer is too long'));
      });
      response.on('end', () => (response.statusCode === 200 ? resolve(body) : reject(new Error(`HTTP ${response.statusCode}`))));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
}
