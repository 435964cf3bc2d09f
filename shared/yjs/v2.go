package yjs

import "fmt"

// ConvertV1ToV2 returns update in format V2. Values that are JSON in V1, of embeds
// and formats, become Any. The state of a document becomes what
// encodeStateAsUpdateV2 of yjs 13 returns for it. convertUpdateFormatV1ToV2 also
// clears the flag of map keys that are inherited, at which no reader looks.
func ConvertV1ToV2(update []byte) ([]byte, error) { return convertUpdate(update, 1, 2) }

// ConvertV2ToV1 returns an update of format V2 in V1. Values of embeds and formats
// become JSON: a bigint becomes a number, and a value without JSON becomes null.
func ConvertV2ToV1(update []byte) ([]byte, error) { return convertUpdate(update, 2, 1) }

func convertUpdate(update []byte, from, to int) ([]byte, error) {
	u, err := newUpdateReader(update, from)
	if err != nil {
		return nil, fmt.Errorf("convert update: %w", err)
	}
	u.wholeInfo = true
	out, err := copyUpdate(&u, newUpdateWriter(to, len(update), u.blocksAtMost()), func(*wireStruct) bool { return true })
	if err != nil {
		return nil, fmt.Errorf("convert update: %w", err)
	}
	return out, nil
}
