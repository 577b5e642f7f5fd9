"""A report's pictures: each a pure function from a sweep's record to Plotly figures, with a caption
and the table behind it."""
