// Random awareness updates and the states that y-protocols derives from them, one JSON line
// for each room:
//
//	node awareness.mjs <first seed> <rooms>
//
// A room gets updates of a few clients with clocks near each other, and now and
// then removes one.
import * as Y from 'yjs'
import * as encoding from 'lib0/encoding'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import { writeSyncStep1, writeSyncStep2, writeUpdate } from 'y-protocols/sync'
import { writePermissionDenied } from 'y-protocols/auth'
import { dice } from './dice.mjs'

const base64 = bytes => Buffer.from(bytes).toString('base64')
const states = ['null', ' null\n', '{}', '{"a":1}', '{"cursor":{"x":[1,2]}}', '"é😀"', '17']

const encode = write => {
  const encoder = encoding.createEncoder()
  write(encoder)
  return base64(encoding.toUint8Array(encoder))
}

const room = seed => {
  const d = dice(seed)
  const awareness = new Awareness(new Y.Doc())
  awareness.setLocalState(null) // a server is nobody
  awareness.meta.delete(awareness.clientID)
  let event
  awareness.on('update', change => { event = change })
  const steps = []
  for (let n = 1 + d.int(30); n > 0; n--) {
    event = { added: [], updated: [], removed: [] }
    const step = {}
    if (d.chance(0.15)) {
      step.remove = [1 + d.int(4), 1 + d.int(4)]
      removeAwarenessStates(awareness, step.remove, 'gone')
    } else {
      step.in = encode(e => {
        const entries = d.int(4)
        encoding.writeVarUint(e, entries)
        for (let i = 0; i < entries; i++) {
          encoding.writeVarUint(e, 1 + d.int(4))
          encoding.writeVarUint(e, d.int(5))
          encoding.writeVarString(e, d.pick(states))
        }
      })
      applyAwarenessUpdate(awareness, new Uint8Array(Buffer.from(step.in, 'base64')), 'net')
    }
    step.event = event
    step.states = base64(encodeAwarenessUpdate(awareness, [...awareness.meta.keys()].sort()))
    steps.push(step)
  }
  awareness.doc.destroy()
  return { seed, steps, frames: frames(d) }
}

// One message of each kind as y-websocket frames it, with its payload.
const frames = d => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'x'.repeat(d.int(300)))
  const vector = base64(Y.encodeStateVector(doc))
  const state = base64(Y.encodeStateAsUpdate(doc))
  return [
    { kind: 1, payload: vector, frame: encode(e => { encoding.writeVarUint(e, 0); writeSyncStep1(e, doc) }) },
    { kind: 2, payload: state, frame: encode(e => { encoding.writeVarUint(e, 0); writeSyncStep2(e, doc) }) },
    { kind: 3, payload: state, frame: encode(e => { encoding.writeVarUint(e, 0); writeUpdate(e, Y.encodeStateAsUpdate(doc)) }) },
    { kind: 4, payload: vector, frame: encode(e => { encoding.writeVarUint(e, 1); encoding.writeVarUint8Array(e, Y.encodeStateVector(doc)) }) },
    { kind: 5, payload: base64(Buffer.from('no entry')), frame: encode(e => { encoding.writeVarUint(e, 2); writePermissionDenied(e, 'no entry') }) },
    { kind: 6, payload: '', frame: encode(e => encoding.writeVarUint(e, 3)) }
  ]
}

const [first, rooms] = process.argv.slice(2).map(Number)
for (let seed = first; seed < first + rooms; seed++) {
  const line = JSON.stringify(room(seed)) + '\n'
  if (!process.stdout.write(line)) await new Promise(resolve => process.stdout.once('drain', resolve))
}
