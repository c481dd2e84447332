/** What a program gave: its values and its output. */
export class Result {
  /**
   * @param {any[]} values
   * @param {string} output
   */
  constructor(values, output) {
    /** The last of the values, null if there are none. docs/CONVERSIONS.md tells what becomes of Lua values. */
    this.value = values.length === 0 ? null : values[values.length - 1];
    /** All values that the program returned. */
    this.values = values;
    /** What the program printed. */
    this.output = output;
  }

  /** The output's lines, without their newlines. */
  get lines() {
    const { output } = this;
    if (output === '') return [];
    const lines = output.split('\n');
    if (lines[lines.length - 1] === '') lines.pop();
    return lines;
  }
}
