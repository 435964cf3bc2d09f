package door

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/shared/webhook"
	"tidemark/shared/yroom"
)

// Settings are what variables of the environment say; Variables lists them.
type Settings struct {
	Auth              auth.Config
	DevMode           bool
	Origins           []string // nil is any
	RequestsPerMinute int
	UploadsPerMinute  int
	BodyBytes         int
	MemoryBytes       int // of the instance
	BatchItems        int
	Sync              watermelon.Limits
	Documents         yroom.Config
	CacheBytes        int // of the documents in the instance's memory
	SpaceBytes        int64
	Tables            record.Schema
	Declared          bool // Tables are not BuiltIn
	Webhooks          webhook.Config
}

// ReadSettings reads the variables. The error names the first one that is
// invalid; its setting then has the default.
func ReadSettings(getenv func(string) string) (Settings, error) {
	s := unset
	var invalid error
	for i := range Variables {
		v := &Variables[i]
		text := getenv(v.Name)
		if text == "" {
			continue // unset has its default
		}
		if err := v.read(&s, text); err != nil && invalid == nil {
			invalid = err
		}
	}
	if invalid == nil {
		invalid = s.checkKeys()
	}
	if invalid == nil {
		invalid = s.Webhooks.Check()
	}
	return s, invalid
}

// unset are the settings of a server without variables.
var unset = func() Settings {
	s := Settings{Sync: watermelon.DefaultLimits(), Documents: yroom.DefaultConfig}
	for i := range Variables {
		if err := Variables[i].read(&s, ""); err != nil {
			panic(err)
		}
	}
	return s
}()

// read sets what the variable is for.
func (v *Variable) read(s *Settings, text string) error {
	if v.setText != nil {
		if err := v.setText(s, text); err != nil {
			return fmt.Errorf("%s: %w", v.Name, err)
		}
		return nil
	}
	n := v.Default
	var err error
	if text != "" {
		if n, err = strconv.Atoi(text); err != nil || n < v.Least || n > v.Most {
			n, err = v.Default, fmt.Errorf("%s is not a number from %d to %d", v.Name, v.Least, v.Most)
		}
	}
	if v.set != nil {
		v.set(s, n)
	}
	return err
}

// minSecretBytes is the least length of a secret for HS256. Somebody who has one
// token can try all shorter secrets. RFC 7518, 3.2.
const minSecretBytes = 32

// checkKeys returns an error if no token can be checked with the settings.
func (s *Settings) checkKeys() error {
	a := s.Auth
	if len(a.Secret) == 0 && len(a.JWKS) == 0 && len(a.JWKSURLs) == 0 && len(a.Issuers) == 0 {
		return errNoKeys
	}
	if 0 < len(a.Secret) && len(a.Secret) < minSecretBytes {
		return fmt.Errorf("AUTH_SECRET is shorter than %d bytes: anybody who has one token can find such a secret by trying", minSecretBytes)
	}
	return nil
}

func setClaims(s *Settings, text string) (err error) {
	s.Auth.Claims, err = auth.ParseMapping(text)
	return err
}

func setMaxTTL(s *Settings, text string) (err error) {
	if text != "" {
		s.Auth.MaxTTL, err = auth.ParseTTL(text)
	}
	return err
}

// BuiltIn are the tables of a server that declares no others. Nobody changes them.
var BuiltIn = record.Default()

func setTables(s *Settings, text string) error {
	s.Tables = BuiltIn
	if text == "" {
		return nil
	}
	schema, err := record.Decode([]byte(text))
	if err == nil {
		s.Tables, s.Declared = schema, true
	}
	return err
}

func setWebhookSecret(s *Settings, text string) (err error) {
	s.Webhooks.Secrets, err = webhook.ParseSecrets(text)
	return err
}

func setWebhookEvents(s *Settings, text string) (err error) {
	s.Webhooks.Events, err = webhook.ParseEvents(text)
	return err
}

func setDevMode(s *Settings, text string) error {
	s.DevMode = text == "1"
	s.Auth.Insecure = s.DevMode
	return nil
}

func setOrigins(s *Settings, text string) error {
	for origin := range strings.SplitSeq(text, ",") {
		if origin = strings.TrimSpace(origin); origin == "*" {
			s.Origins = nil
			return nil
		} else if origin != "" {
			s.Origins = append(s.Origins, origin)
		}
	}
	return nil
}

// textList reads texts that are divided by commas; an empty one keeps its place.
func textList(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	texts := strings.Split(text, ",")
	for i := range texts {
		texts[i] = strings.TrimSpace(texts[i])
	}
	return texts
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }
