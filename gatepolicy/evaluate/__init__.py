"""Three-valued evaluation of conditions over facts."""
