//go:build !js

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tidemark/shared/auth"
)

// The life of a token, unless --ttl says another or AUTH_MAX_TTL is less.
const (
	longestTTL       = 720 * time.Hour
	operatorTokenTTL = 24 * time.Hour // with --operator
)

// defaultTTL returns AUTH_MAX_TTL of the environment, but at most longestTTL. It
// ignores an invalid AUTH_MAX_TTL: the server reports that.
func defaultTTL() time.Duration {
	if most, err := auth.ParseTTL(os.Getenv("AUTH_MAX_TTL")); err == nil {
		return min(most, longestTTL)
	}
	return longestTTL
}

// claims are the claims of a token that the flags set.
type claims struct {
	sub, scope, spaces string
	more               string // others, in a JSON object
	ttl                time.Duration
}

// runToken prints a token and nothing else.
func runToken(c *invocation) error {
	place := c.secret()
	var of claims
	c.flags.StringVar(&of.sub, "sub", "", "whom the token is for")
	c.flags.StringVar(&of.scope, "scope", "", "what it allows")
	c.flags.StringVar(&of.spaces, "spaces", "", `the spaces it is for: globs with commas between, or the claim as JSON, such as {"acme":"sync:read"}; if empty it is for the root`)
	c.flags.StringVar(&of.more, "claims", "", `other claims, as a JSON object such as {"teams":["a"]}; the rules of tables may read them`)
	c.flags.DurationVar(&of.ttl, "ttl", defaultTTL(), "how long it is good for")
	operator := c.flags.Bool("operator", false, "for an operator, as in the console: it has every permission, in the root and in all spaces unless --spaces says where, for --ttl 24h and --sub operator unless they are given")
	if err := c.parse(); err != nil {
		return err
	}
	given := map[string]bool{}
	c.flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if given["spaces"] && of.spaces == "" {
		return errors.New("token: --spaces is empty: leave it out for a token of the root")
	}
	if *operator {
		of = operatorClaims(of, given["ttl"])
	}
	if of.sub == "" {
		return errors.New("token: --sub is needed")
	}
	if of.ttl <= 0 {
		return fmt.Errorf("token: --ttl %v is over before it begins", of.ttl)
	}
	secret, err := place.signing()
	if err != nil {
		return err
	}
	if words := strangeWords(of.scope); len(words) > 0 {
		c.log.Warn("no permission has this name, so only the rules of tables can ask for it; blanks stand between names", "scope", words)
	}
	token, err := sign(secret, of, time.Now())
	if err == nil {
		fmt.Println(token)
	}
	return err
}

// operatorClaims returns the claims of an operator's token: those of the flags, with what
// the flags leave open. Words of --scope are added to the permissions.
func operatorClaims(of claims, ttlGiven bool) claims {
	of.scope = strings.TrimSpace(auth.EveryScope() + " " + of.scope)
	of.sub = cmp.Or(of.sub, "operator")
	of.spaces = cmp.Or(of.spaces, `["","*"]`)
	if !ttlGiven {
		of.ttl = min(of.ttl, operatorTokenTTL)
	}
	return of
}

// strangeWords returns the words of a scope that are no permissions. Only the rules of
// tables ask for them.
func strangeWords(scope string) []string {
	return slices.DeleteFunc(strings.Fields(scope), func(word string) bool {
		return slices.Contains(auth.Permissions, auth.Permission(word))
	})
}

// sign signs a token, as a server with the same variables does. Its iss and aud are the first
// values of AUTH_ISSUER and AUTH_AUDIENCE in the environment, and AUTH_CLAIMS names its claims.
func sign(secret string, c claims, now time.Time) (string, error) {
	config := auth.Config{Secret: []byte(secret), Issuers: firstOf("AUTH_ISSUER"), Audiences: firstOf("AUTH_AUDIENCE")}
	grant := auth.Grant{Subject: c.sub, Scope: c.scope, Issued: now, Expires: now.Add(c.ttl)}
	config.Claims, _ = auth.ParseMapping(os.Getenv("AUTH_CLAIMS")) // the server reports an invalid one
	var err error
	if c.spaces != "" {
		if grant.Spaces, err = spacesClaim(c.spaces); err != nil {
			return "", err
		}
	}
	if c.more != "" {
		if grant.Added, err = config.Claims.AddedClaims([]byte(c.more)); err != nil {
			return "", fmt.Errorf("token: --claims %s: %w", c.more, err)
		}
	}
	token := config.Issue(grant)
	if c.spaces != "" || c.more != "" {
		err = checkToken(config, token, now)
	}
	if err != nil {
		return "", err
	}
	return token, nil
}

// firstOf returns the first value of a variable's list, or none.
func firstOf(variable string) []string {
	first, _, _ := strings.Cut(os.Getenv(variable), ",")
	if first = strings.TrimSpace(first); first == "" {
		return nil
	}
	return []string{first}
}

// spacesClaim reads --spaces: the JSON of the claim spaces, or a list of globs with
// commas between. Only JSON can name the root, so that a stray comma does not.
func spacesClaim(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		if !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("token: --spaces %s is not valid JSON", text)
		}
		return []byte(text), nil
	}
	globs := strings.Split(text, ",")
	for i, glob := range globs {
		if globs[i] = strings.TrimSpace(glob); globs[i] == "" {
			return nil, fmt.Errorf(`token: --spaces %q has an empty name; to name the root write JSON, such as ["","acme"]`, text)
		}
	}
	return json.Marshal(globs)
}

// checkToken returns an error if a server would reject the token for its spaces or its other claims.
func checkToken(config auth.Config, token string, now time.Time) error {
	v, err := auth.New(config)
	if err == nil {
		_, _, err = v.Verify(token, now)
	}
	if err != nil {
		return fmt.Errorf("token: a server would reject it: %w", err)
	}
	return nil
}
