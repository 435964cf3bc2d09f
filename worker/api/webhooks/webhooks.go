// Package webhooks serves what an operator asks about webhooks. W5.
//
//	GET  /webhooks?after=&limit=   {"objects":[…],"next":"…"}: the root, the spaces and documents that fail, then the others
//	POST /webhooks/retry           sends now what the root and those that fail have; {"objects":[…],"next":"…"}
package webhooks

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"tidemark/shared/auth"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store/outbox"
	"tidemark/worker/webhooks"
)

// The bounds of a page. Each object is a call, of which a request has 50 on Cloudflare's free plan.
const (
	defaultListed = 20
	maxListed     = 40
)

// Section is the routes. If desk is nil, there is no receiver, and the lists are empty.
func Section(desk *webhooks.Desk) *door.Section {
	serve := func(do func(*door.Call) (webhooks.Page, error)) func(*door.Call) error {
		return func(c *door.Call) error {
			if !desk.On() {
				return write(c, webhooks.Page{})
			}
			page, err := do(c)
			if err != nil {
				return err
			}
			return write(c, page)
		}
	}
	return &door.Section{
		Roots: []string{"/webhooks", "/webhooks/"},
		Routes: []door.Route{
			{Name: "webhooks.list", Method: "GET", Pattern: "/webhooks", Permission: auth.SyncAdmin, Serve: serve(func(c *door.Call) (page webhooks.Page, err error) {
				after, limit, err := position(c)
				if err == nil {
					page, err = desk.List(c.R.Context(), after, limit)
				}
				return page, err
			})},
			{Name: "webhooks.retry", Method: "POST", Pattern: "/webhooks/retry", Permission: auth.SyncAdmin, Logged: true, Serve: serve(func(c *door.Call) (page webhooks.Page, err error) {
				after, limit, err := position(c)
				if err == nil {
					page, err = desk.Retry(c.R.Context(), after, limit)
				}
				return page, err
			})},
		},
		Admit: (*door.Call).Admit, Missing: door.ErrNoPath, Refuse: door.Refuse,
	}
}

// position reads the parameters after and limit.
func position(c *door.Call) (after *webhooks.Position, limit int, err error) {
	query := door.Query(c.R)
	limit = defaultListed
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxListed {
			return nil, 0, door.Fail(door.BadRequest, fmt.Sprintf("The parameter limit is a number from 1 to %d", maxListed))
		}
	}
	text := query.Get("after")
	if text == "" {
		return nil, limit, nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.SplitN(string(decoded), "/", 3)
	if err != nil || len(parts) != 3 {
		return nil, 0, door.Fail(door.BadRequest, "The parameter after is the next of another response")
	}
	return &webhooks.Position{Healthy: parts[0] == "h", Entry: outbox.Entry{Space: parts[1], Room: parts[2]}}, limit, nil
}

// write writes a page. The name of a space has no slash.
func write(c *door.Call, page webhooks.Page) error {
	response := struct {
		Objects []jsonvalue.RawMessage `json:"objects"`
		Next    *string                `json:"next"`
	}{Objects: page.Objects}
	if p := page.Next; p != nil {
		which := "f"
		if p.Healthy {
			which = "h"
		}
		next := base64.RawURLEncoding.EncodeToString([]byte(which + "/" + p.Space + "/" + p.Room))
		response.Next = &next
	}
	if response.Objects == nil {
		response.Objects = []jsonvalue.RawMessage{}
	}
	body, err := jsonvalue.Marshal(response)
	if err != nil {
		return err
	}
	c.WriteJSON(web.StatusOK, body)
	return nil
}
