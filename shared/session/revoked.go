package session

import "time"

// Revoked are the revocations that one instance of the server knows. The zero
// value knows none.
type Revoked struct {
	subjects, tokens map[Mark]revoked
}

type revoked struct {
	Revocation
	until time.Time
}

// Add adds a revocation, which ends nothing from until on unless that is zero. It
// replaces one of the same subject or token.
func (r *Revoked) Add(v Revocation, until time.Time) {
	if r.subjects == nil {
		r.subjects, r.tokens = map[Mark]revoked{}, map[Mark]revoked{}
	}
	if v.Token != 0 {
		r.tokens[v.Token] = revoked{v, until}
	} else {
		r.subjects[v.Subject] = revoked{v, until}
	}
}

// Empty tells that there are none.
func (r *Revoked) Empty() bool { return len(r.subjects)+len(r.tokens) == 0 }

// End tells whether one of them ends s.
func (r *Revoked) End(s Session, now time.Time) bool {
	for _, v := range [...]revoked{r.subjects[s.Subject], r.tokens[s.Token]} {
		if v.Ends(s) && (v.until.IsZero() || now.Before(v.until)) {
			return true
		}
	}
	return false
}
