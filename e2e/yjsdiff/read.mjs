// Reads lines that the Go test wrote: states of a document in V1 and V2, and the
// merged updates that led there, with what is deleted and without, and both in pieces.
// It fails if yjs makes something else of them than of the updates themselves, or if
// a piece has to wait for a later one.
import * as Y from 'yjs'
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { restored } from './restore.mjs'
import { serverDoc } from './server.mjs'

const bytes = text => new Uint8Array(Buffer.from(text, 'base64'))
const hex = b => Buffer.from(b).toString('hex')

for await (const line of createInterface({ input: process.stdin })) {
  const s = JSON.parse(line)
  const read = (name, apply) => {
    const doc = serverDoc(s.gc)
    apply(doc, Array.isArray(s[name]) ? null : bytes(s[name]))
    // yjs applies more of what is pending when it comes in one piece.
    if (s.pending) return ''
    const about = `seed ${s.seed}, ${name}`
    assert.equal(hex(Y.encodeStateVector(doc)), hex(bytes(s.stateVector)), `${about}: state vector`)
    assert.equal(doc.store.pendingStructs ?? doc.store.pendingDs, null, `${about}: pending`)
    assert.equal(doc.getText('text').toString(), s.text, `${about}: text`)
    return hex(Y.encodeStateAsUpdate(doc))
  }
  assert.equal(read('v1', Y.applyUpdate), read('v2', Y.applyUpdateV2), `seed ${s.seed}: V1 and V2`)
  const merged = read('merged', Y.applyUpdate)
  const dropped = read('dropped', Y.applyUpdate)
  for (const name of ['pieces', 'mergedPieces']) {
    read(name, doc => s[name].forEach((piece, n) => {
      Y.applyUpdate(doc, bytes(piece))
      if (!s.pending) assert.equal(doc.store.pendingStructs, null, `seed ${s.seed}, ${name}: after piece ${n} something waits`)
    }))
  }
  if (s.gc) assert.equal(dropped, merged, `seed ${s.seed}: without what is deleted`)
  if (!s.pending) restored(bytes(s.v1), bytes(s.version), bytes(s.restore ?? ''), s.gc, `seed ${s.seed}`)
}
