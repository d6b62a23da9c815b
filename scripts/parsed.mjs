/** A line of JSON that is an object; undefined: it is none. A process that is killed may have written half a line. */
export function parsed(line) {
  try {
    const value = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
