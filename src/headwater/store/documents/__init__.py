"""Documents as the store sees them: how they are parsed, projected, merged, kept in rows and rendered."""
