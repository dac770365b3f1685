package evidence

import "encoding/json"

// Statements are the two in-toto statements of a record, as they were signed. Nothing of
// them is verified here.
func Statements(content []byte) ([]json.RawMessage, error) {
	b, err := parseBundle(content)
	if err != nil {
		return nil, err
	}
	return []json.RawMessage{b.payload[0], b.payload[1]}, nil
}
