// What the benchmark of data runs: the same Lua code everywhere, on tables below `ROOT`, which is `_home` where tables are
// external and a plain table elsewhere.

/**
 * One step of a group.
 *
 * @typedef {object} Step
 * @property {string} [row] what its time counts for; without one it only makes ready, or checks
 * @property {string} [code] Lua; `N` in it is the number of entries
 * @property {'collect' | 'memory'} [does] in place of code: collects garbage, or measures the process
 */

const CREATE = 'local list = {} ROOT.list = list for i = 1, N do list[i] = { id = i, name = "name " .. i, score = i * 0.5 } end';

/** The order of the records is random, and the same everywhere. */
const SHUFFLE = `
local list, seed = ROOT.list, 12345
for i = N, 2, -1 do
  seed = (seed * 1103515245 + 12345) & 0x7fffffff
  local j = seed % i + 1
  list[i], list[j] = list[j], list[i]
end`;

/** @type {Record<string, Step[]>} */
export const GROUPS = {
  records: [
    { row: 'create', code: CREATE },
    { row: 'process memory, records', does: 'memory' },
    { row: 'sum a field', code: 'local list, sum = ROOT.list, 0 for i = 1, #list do sum = sum + list[i].score end assert(sum == N * (N + 1) / 4)' },
    { row: 'update a field of each', code: 'local list = ROOT.list for i = 1, #list do local record = list[i] record.score = record.score + 1 end' },
    { code: SHUFFLE },
    { row: 'sort by a field', code: 'table.sort(ROOT.list, function(a, b) return a.score < b.score end)' },
    { code: 'local list = ROOT.list for i = 1, N do assert(list[i].id == i and list[i].score == i * 0.5 + 1) end' },
  ],
  collect: [
    { code: CREATE },
    { row: 'collect, all in use', does: 'collect' },
    { code: 'ROOT.list = nil' },
    { row: 'collect, nothing in use', does: 'collect' },
  ],
  integers: [
    {
      code: `local list, seed = {}, 12345
ROOT.list = list
for i = 1, N do
  seed = (seed * 1103515245 + 12345) & 0x7fffffff
  list[i] = seed
end`,
    },
    { row: 'sort integers', code: 'table.sort(ROOT.list)' },
    { code: 'local list = ROOT.list for i = 2, N do assert(list[i - 1] <= list[i]) end' },
  ],
  map: [
    { row: 'map of strings, create', code: 'local map = {} ROOT.map = map for i = 1, N do map["key " .. i] = "value " .. i end' },
    { row: 'process memory, map', does: 'memory' },
    { row: 'map of strings, read', code: 'local map, sum = ROOT.map, 0 for i = 1, N do sum = sum + #map["key " .. i] end assert(sum > 6 * N)' },
    { row: 'pairs over the map', code: 'local n = 0 for key, value in pairs(ROOT.map) do n = n + 1 end assert(n == N)' },
  ],
};

/** What is measured of a state, by the group. */
export const STATE_GROUPS = {
  save: ['save all', 'size on disk'],
  reopen: ['open', 'process memory, opened', 'read a random record, the first 1,000', 'read a random record', 'save 1,000 changed records', 'process memory, used'],
};

const longString = (text) => `[==[${text}]==]`;

/**
 * The program of a group for a Lua that runs alone: prints a row and its milliseconds or bytes, a line for each.
 *
 * @param {string} group
 * @param {number} size
 * @param {number} budget milliseconds after which it does not begin again
 */
export function standalone(group, size, budget) {
  const steps = GROUPS[group].map(({ row, code, does }) => {
    if (does === 'memory') {
      return `if first then
  for line in io.lines('/proc/self/status') do
    local kilobytes = line:match('^VmRSS:%s*(%d+)')
    if kilobytes then print(${JSON.stringify(row)}, kilobytes * 1024) end
  end
end`;
    }
    return `do
  local run = assert(load(${longString(does === 'collect' ? 'collectgarbage()' : code)}))
  local begin = os.clock()
  run()
  ${row === undefined ? '' : `print(${JSON.stringify(row)}, (os.clock() - begin) * 1000)`}
end`;
  });
  return `N = ${size}
local first, started = true, os.clock()
repeat
  ROOT = {}
  collectgarbage()
${steps.join('\n')}
  first = false
until (os.clock() - started) * 1000 >= ${budget}
`;
}
