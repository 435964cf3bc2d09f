// Writes documents as editors write them, with what an indexer is to see of each, to
// editors-<version of yjs>.json beside this file:
//
//	node shared/yjs/testdata/editors.mjs
//
// Tiptap (y-prosemirror) has a fragment of
// elements, whose texts carry marks as formats. Lexical (@lexical/yjs) has an XmlText
// of XmlTexts, each with its properties as attributes and with a map before each run
// of text.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../../e2e/package.json', import.meta.url))
const Y = require('yjs')
const { version } = require('yjs/package.json')

const written = (clientID, write) => {
  const doc = new Y.Doc()
  doc.clientID = clientID
  write(doc)
  return Buffer.from(Y.encodeStateAsUpdate(doc)).toString('base64')
}

const element = (name, attributes, ...children) => {
  const type = new Y.XmlElement(name)
  for (const [key, value] of Object.entries(attributes)) type.setAttribute(key, value)
  type.insert(0, children.map(child => typeof child === 'string' ? new Y.XmlText(child) : child))
  return type
}

const marked = delta => {
  const text = new Y.XmlText()
  text.applyDelta(delta)
  return text
}

const tiptap = {
  name: 'Tiptap',
  root: 'default',
  state: written(1, doc => {
    const fragment = doc.getXmlFragment('default')
    fragment.insert(0, [
      element('heading', { level: 1 }, 'Title'),
      element('paragraph', {}, marked([
        { insert: 'Hello ' }, { insert: 'bold', attributes: { bold: {} } }, { insert: ' world', attributes: { link: { href: 'u', n: 1 } } }, { insert: '!' }
      ])),
      element('paragraph', {}),
      element('bulletList', {}, element('listItem', {}, element('paragraph', {}, 'one')), element('listItem', {}, element('paragraph', {}, 'two'))),
      element('paragraph', {}, 'before', element('hardBreak', {}), 'after', element('mention', { id: 'ä"b' }))
    ])
    fragment.get(0).get(0).insert(5, ' gone')
    fragment.get(0).get(0).delete(5, 5)
  }),
  text: 'Title\nHello bold world!\none\ntwo\nbefore\nafter',
  tree: {
    children: [
      { name: 'heading', attributes: { level: 1 }, children: ['Title'] },
      {
        name: 'paragraph',
        attributes: {},
        children: ['Hello ', { insert: 'bold', attributes: { bold: {} } }, { insert: ' world', attributes: { link: { href: 'u', n: 1 } } }, '!']
      },
      { name: 'paragraph', attributes: {}, children: [] },
      {
        name: 'bulletList',
        attributes: {},
        children: ['one', 'two'].map(text => ({
          name: 'listItem', attributes: {}, children: [{ name: 'paragraph', attributes: {}, children: [text] }]
        }))
      },
      {
        name: 'paragraph',
        attributes: {},
        children: ['before', { name: 'hardBreak', attributes: {}, children: [] }, 'after', { name: 'mention', attributes: { id: 'ä"b' }, children: [] }]
      }
    ]
  }
}

const lexical = {
  name: 'Lexical',
  root: 'root',
  state: written(1, doc => {
    const root = doc.get('root', Y.XmlText)
    const block = (at, attributes) => {
      const text = new Y.XmlText()
      root.insertEmbed(at, text)
      for (const [key, value] of Object.entries(attributes)) text.setAttribute(key, value)
      return text
    }
    const run = (text, properties, content) => {
      text.insertEmbed(text.length, new Y.Map(Object.entries({ __type: 'text', ...properties })))
      text.insert(text.length, content)
    }
    run(block(0, { __type: 'heading', __tag: 'h1' }), { __format: 0 }, 'Title')
    const paragraph = block(1, { __type: 'paragraph' })
    run(paragraph, { __format: 0 }, 'Hello ')
    run(paragraph, { __format: 1 }, 'bold')
    const image = new Y.XmlElement()
    root.insertEmbed(2, image)
    image.setAttribute('__type', 'image')
  }),
  text: 'Title\nHello bold',
  tree: {
    children: [
      { attributes: { __type: 'heading', __tag: 'h1' }, children: [{ insert: { __type: 'text', __format: 0 } }, 'Title'] },
      {
        attributes: { __type: 'paragraph' },
        children: [{ insert: { __type: 'text', __format: 0 } }, 'Hello ', { insert: { __type: 'text', __format: 1 } }, 'bold']
      },
      { name: 'UNDEFINED', attributes: { __type: 'image' }, children: [] }
    ]
  }
}

const quill = {
  name: 'Quill',
  root: 'quill',
  state: written(1, doc => {
    doc.getText('quill').applyDelta([
      { insert: 'Title' }, { insert: '\n', attributes: { header: 1 } }, { insert: { image: 'u' }, attributes: { width: '3' } }, { insert: { video: 'v' } }, { insert: 'end\n' }
    ])
  }),
  text: 'Title\nend\n',
  tree: {
    children: ['Title', { insert: '\n', attributes: { header: 1 } }, { insert: { image: 'u' }, attributes: { width: '3' } }, { insert: { video: 'v' } }, 'end\n']
  }
}

const others = {
  name: 'texts in a map and an array',
  root: 'map',
  state: written(1, doc => {
    doc.getMap('map').set('list', Y.Array.from([1, new Y.Text('a'), element('p', {}, 'b')]))
  }),
  text: '',
  tree: { list: [1, { children: ['a'] }, { name: 'p', attributes: {}, children: ['b'] }] }
}

writeFileSync(new URL(`editors-${version}.json`, import.meta.url), JSON.stringify([tiptap, lexical, quill, others], null, 1) + '\n')
