package record

// ValidID says whether id has 1 to most bytes, each one of A-Z a-z 0-9 _ . -
func ValidID[T string | []byte](id T, most int) bool {
	for i := range len(id) {
		if c := id[i]; !isAlphanumeric(c) && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return 0 < len(id) && len(id) <= most
}

// maxName is how many bytes the name of a table or a column may have.
const maxName = 64

// IsSQLName says whether name is a letter, and then letters, digits and underscores.
func IsSQLName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && (i == 0 || !isAlphanumeric(c) && c != '_') {
			return false
		}
	}
	return 0 < len(name) && len(name) <= maxName
}

// IsWireName says whether name is an SQL name of small letters.
func IsWireName(name string) bool {
	for i := range len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			return false
		}
	}
	return IsSQLName(name)
}

func isLetter(c byte) bool { return c|0x20-'a' < 26 }

func isAlphanumeric(c byte) bool { return isLetter(c) || c-'0' < 10 }
