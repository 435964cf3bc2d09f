// Side by side: yjs, ywasm and shared/yjs (compiled to js/wasm on the same V8 and
// under wazero, and natively). Usage: node run.mjs [ROUNDS]  Needs Go, and the traces in
// ../shared/data beside the repository, or in $YJS_DATA.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')
const data = process.env.YJS_DATA ?? join(root, '../shared/data')
if (!existsSync(join(data, 'b4-updates.bin.gz'))) {
  console.log(`no traces in ${data}: the Yjs core is not compared`)
  process.exit(0)
}
const rounds = Number(process.argv[2] ?? 5)
const out = mkdtempSync(join(tmpdir(), 'yjs-perf-'))
const run = (cmd, args, env = {}) => execFileSync(cmd, args, { cwd: root, env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 1 << 24 })

const wasm = join(out, 'guest.wasm')
const wazero = join(out, 'wazero')
const native = join(out, 'native')
// The same source gives the same bytes, which wazero's cache knows.
run('go', ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', wasm, './e2e/perf/yjs/guest'], { GOOS: 'js', GOARCH: 'wasm' })
run('go', ['build', '-o', wazero, './e2e/perf/yjs/wazero'])
run('go', ['build', '-o', native, './e2e/perf/yjs/native'])
const wasmExec = join(run('go', ['env', 'GOROOT']).trim(), 'lib/wasm/wasm_exec.js')

const columns = ['yjs', 'ywasm', 'tidemark', 'wazero', 'native']
const node = (...args) => JSON.parse(run(process.execPath, ['--expose-gc', join(here, 'engine.mjs'), ...args]))
const samples = Object.fromEntries(columns.map(c => [c, []]))
for (let i = 0; i < rounds; i++) {
  samples.yjs.push(node('yjs', data))
  if (i === 0) samples.ywasm.push(node('ywasm', data))
  samples.tidemark.push(node('tidemark', data, wasm, wasmExec))
  samples.wazero.push(JSON.parse(run(wazero, [data, wasm])))
  samples.native.push(JSON.parse(run(native, [data])))
}
const figure = (column, name) => {
  const values = samples[column].map(s => s[name]).filter(v => v !== undefined).sort((a, b) => a - b)
  return values[values.length >> 1]
}
const rows = [
  ['B4, 259,778 updates with events', 'b4', 1, 'ms'],
  ['one update of B4', 'b4', 1000 / 259778, 'us'],
  ['friendsforever, 26,078 updates', 'friendsforever', 1, 'ms'],
  ['rustcode, 36,981 updates', 'rustcode', 1, 'ms'],
  ['sveltecomponent, 18,335 updates', 'sveltecomponent', 1, 'ms'],
  ['load B4 as one update, hot', 'load', 1, 'ms'],
  ['load B4 as one update, first of the process', 'loadCold', 1, 'ms'],
  ['encode B4', 'encode', 1, 'ms'],
  ['encode B4 into a kept buffer', 'encodeAgain', 1, 'ms'],
  ['difference to half way', 'diff', 1, 'ms'],
  ['difference into a kept buffer', 'diffAgain', 1, 'ms'],
  ['state vector', 'stateVector', 1, 'us'],
  ['merge of 1,000 small updates', 'merge', 1000, 'us'],
  ['memory of B4 loaded', 'memory', 1 / 1000, 'kB'],
  ['keystroke after 10 clients', 'key10', 1, 'us'],
  ['keystroke after 30,000 clients', 'key30000', 1, 'us']
]
const show = v => v === undefined ? '' : v.toLocaleString('en', { maximumSignificantDigits: 3 })
console.log(`node ${process.version}, medians of ${rounds} processes (ywasm: one); times on the CPU\n`)
console.log('| | yjs | ywasm | tidemark, Wasm | tidemark, wazero | tidemark, native | yjs / Wasm | yjs / wazero | yjs / native |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|')
for (const [title, name, scale, unit] of rows) {
  const times = columns.map(c => figure(c, name) * scale || undefined)
  const ratio = v => times[0] && v ? `${(times[0] / v).toFixed(1)} x` : ''
  console.log(`| ${title}, ${unit} | ${times.map(show).join(' | ')} | ${times.slice(2).map(ratio).join(' | ')} |`)
}
