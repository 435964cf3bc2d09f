import * as Y from 'yjs'

// A server has no observers: yjs would tidy formats in every document that ever
// held a text, which is the editing client's business.
const observe = Y.Text.prototype._callObserver
Y.Text.prototype._callObserver = function (transaction, subs) {
  if (!this.doc.isServer) observe.call(this, transaction, subs)
}

export const serverDoc = gc => {
  const doc = new Y.Doc({ gc })
  doc.isServer = true
  return doc
}
